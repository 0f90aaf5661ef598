//! Values as they stand in messages and reports.

const std = @import("std");
const postern = @import("postern");

pub fn shown(text: ?[]const u8) []const u8 {
    return text orelse "none";
}

pub fn truth(value: bool) []const u8 {
    return if (value) "true" else "false";
}

pub fn number(value: anytype) []const u8 {
    return postern.format("{d}", .{value});
}

pub fn joined(parts: []const []const u8, separator: []const u8) []const u8 {
    return std.mem.join(postern.allocator(), separator, parts) catch @panic("out of memory");
}

pub fn ids(text: ?[]const u8) ![]const postern.ClientId {
    var all: std.ArrayList(postern.ClientId) = .empty;
    var parts = std.mem.tokenizeScalar(u8, text orelse "", ',');
    while (parts.next()) |part| try all.append(postern.allocator(), try std.fmt.parseInt(u64, part, 10));
    return all.items;
}

pub fn labels(text: ?[]const u8) ![]const postern.Label {
    var all: std.ArrayList(postern.Label) = .empty;
    var parts = std.mem.tokenizeScalar(u8, text orelse "", ',');
    while (parts.next()) |part| {
        var sides = std.mem.splitScalar(u8, part, '=');
        const key = sides.first();
        try all.append(postern.allocator(), .{ .key = key, .value = sides.rest() });
    }
    return all.items;
}

/// `everyone`, `clients:1,2`, `any:k=v,k=v`, `all:k=v,k=v`
pub fn selector(text: []const u8) !postern.Selector {
    var sides = std.mem.splitScalar(u8, text, ':');
    const kind = sides.first();
    const rest = sides.rest();
    if (std.mem.eql(u8, kind, "everyone")) return .everyone;
    if (std.mem.eql(u8, kind, "clients")) return .{ .clients = try ids(rest) };
    if (std.mem.eql(u8, kind, "any")) return .{ .any_label = try labels(rest) };
    if (std.mem.eql(u8, kind, "all")) return .{ .all_labels = try labels(rest) };
    return postern.fail("no selector: {s}", .{text});
}

pub fn hex(bytes: []const u8) []const u8 {
    const digits = "0123456789abcdef";
    const text = postern.allocator().alloc(u8, bytes.len * 2) catch @panic("out of memory");
    for (bytes, 0..) |byte, at| {
        text[2 * at] = digits[byte >> 4];
        text[2 * at + 1] = digits[byte & 15];
    }
    return text;
}

pub fn fromHex(text: []const u8) ![]const u8 {
    const bytes = try postern.allocator().alloc(u8, text.len / 2);
    return std.fmt.hexToBytes(bytes, text);
}

/// `SUBJECT|FIRST room|k=v,k=v|ADDRESS|SINCE`
pub fn client(one: postern.Client) []const u8 {
    var pairs: std.ArrayList([]const u8) = .empty;
    for (one.labels()) |label| {
        pairs.append(postern.allocator(), postern.format("{s}={s}", .{ label.key, label.value })) catch @panic("out of memory");
    }
    const all = joined(pairs.items, ",");
    return postern.format("{s}|{s}|{s}|{s}|{d}", .{ shown(one.subject()), shown(one.label("room")), all, one.address(), one.since() });
}
