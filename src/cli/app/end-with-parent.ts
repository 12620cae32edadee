/** Ends a child process when the process that started it is gone. A child loads this before its own program. */
process.on("disconnect", () => process.exit(1));
process.channel?.unref();
