import { defineApp } from "convex/server";
import aggregate from "trueup/aggregate/convex.config";

const app = defineApp();
app.use(aggregate, { name: "byPoints" });
app.use(aggregate, { name: "byUser" });
export default app;
