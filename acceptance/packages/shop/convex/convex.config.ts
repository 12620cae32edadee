import betterAuth from "@convex-dev/better-auth/convex.config";
import geospatial from "@convex-dev/geospatial/convex.config.js";
import polar from "@convex-dev/polar/convex.config.js";
import r2 from "@convex-dev/r2/convex.config.js";
import stripe from "@convex-dev/stripe/convex.config.js";
import tableHistory from "convex-table-history/convex.config";
import { defineApp } from "convex/server";

const app = defineApp();
app.use(betterAuth);
app.use(geospatial);
app.use(polar);
app.use(r2);
app.use(stripe);
app.use(tableHistory, { name: "documentAuditLog" });
export default app;
