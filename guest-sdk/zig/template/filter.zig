const std = @import("std");
const postern = @import("postern");

/// Drops what says a word: `word` in the filter's configuration, or "unsubscribe".
pub fn onMessage(message: postern.Message) !postern.Verdict {
    const word = postern.config.get("word") orelse "unsubscribe";
    const text = message.json(postern.whatsapp.text) orelse return .pass;
    if (std.mem.find(u8, text, word) == null) return .pass;

    postern.log.info("dropped", .{ "word", word });
    return .{ .drop = postern.format("it says {s}", .{word}) };
}
