/** The component as a plain Convex component, on the official test backend. */
import { aggregateContract } from "./aggregate-contract.js";
import { hostOnMock } from "./hosts.js";

aggregateContract("on the official mock", hostOnMock);
