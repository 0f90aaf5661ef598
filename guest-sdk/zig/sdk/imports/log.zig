//! Words for the operator. `std.log` comes here too.

const abi = @import("../abi.zig");
const std = @import("std");

pub const Level = enum(i32) { trace, debug, info, warn, @"error" };

/// Whether a line at this level would go anywhere. Ask before building a costly one.
pub fn enabled(level: Level) bool {
    return imported.enabled(@intFromEnum(level)) != 0;
}

/// A line, with fields to find it by, keys and values in turn: `log.write(.info, "dropped", .{ "word", word })`. Lines carry
/// the filter's name and the message's or client's id already.
pub fn write(level: Level, text: []const u8, fields: anytype) void {
    if (fields.len % 2 != 0) @compileError("a field of the log has a key and a value");
    var pairs: [fields.len / 2]abi.Pair = undefined;
    inline for (0..fields.len / 2) |at| {
        pairs[at] = .{ .first = .of(fields[2 * at]), .second = .of(fields[2 * at + 1]) };
    }
    imported.write(@intFromEnum(level), abi.at(text), text.len, &pairs, pairs.len);
}

pub fn debug(text: []const u8, fields: anytype) void {
    write(.debug, text, fields);
}

pub fn info(text: []const u8, fields: anytype) void {
    write(.info, text, fields);
}

pub fn warn(text: []const u8, fields: anytype) void {
    write(.warn, text, fields);
}

pub fn err(text: []const u8, fields: anytype) void {
    write(.@"error", text, fields);
}

/// Where `std.log` goes.
pub fn standard(comptime level: std.log.Level, comptime scope: @TypeOf(.scope), comptime format: []const u8, args: anytype) void {
    const ours: Level = switch (level) {
        .err => .@"error",
        .warn => .warn,
        .info => .info,
        .debug => .debug,
    };
    var buffer: [4000]u8 = undefined;
    var writer: std.Io.Writer = .fixed(&buffer);
    // What is too long is cut.
    writer.print(format, args) catch {};
    if (scope == .default) write(ours, writer.buffered(), .{}) else write(ours, writer.buffered(), .{ "scope", @tagName(scope) });
}

const imported = struct {
    extern "postern:filter/log@0.1.0" fn enabled(i32) i32;
    extern "postern:filter/log@0.1.0" fn write(i32, [*]const u8, usize, [*]const abi.Pair, usize) void;
};
