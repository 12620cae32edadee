export { moveData, undoMove, type MoveOptions, type MoveProgress, type MoveReport } from "./move.js";
