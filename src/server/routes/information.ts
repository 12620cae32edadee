/** What a server tells about itself. */
import type { Route } from "../http/route.js";
import { siteUrlOf } from "./http-actions.js";

export const informationRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/instance_name",
    isForAdmins: false,
    answer: async () => "trueup",
  },
  {
    method: "GET",
    path: "/api/v1/get_canonical_urls",
    isForAdmins: true,
    answer: async ({ serverUrl }) => ({ convexCloudUrl: serverUrl, convexSiteUrl: siteUrlOf(serverUrl) }),
  },
];
