import { defineApp } from "convex/server";
import aggregate from "trueup/aggregate/convex.config";
import migrations from "trueup/migrations/convex.config";

const app = defineApp();
app.use(aggregate, { name: "byDelay" });
app.use(aggregate, { name: "byDistance" });
app.use(aggregate, { name: "byHour" });
app.use(migrations);
export default app;
