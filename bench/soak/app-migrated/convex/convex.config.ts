import { defineApp } from "convex/server";
import aggregate from "trueup/aggregate/convex.config";
import migrations from "trueup/migrations/convex.config";

const app = defineApp();
app.use(aggregate, { name: "byPoints" });
app.use(aggregate, { name: "byUser" });
app.use(migrations);
export default app;
