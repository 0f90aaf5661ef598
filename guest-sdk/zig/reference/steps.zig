//! The steps of a message: each does one thing that postern offers, and says in a line what came of it.

const std = @import("std");
const postern = @import("postern");
const words = @import("words.zig");

/// Does all that the message asks for, and says what came of it.
pub fn report(message: postern.Message, sender: ?postern.Client) ![]const u8 {
    var lines: std.ArrayList([]const u8) = .empty;
    while (true) {
        const step: Step = .{ .message = message, .at = lines.items.len };
        const name = step.argument("op") orelse return words.joined(lines.items, "\n");
        const op = std.meta.stringToEnum(Op, name) orelse return postern.fail("unknown step: {s}", .{name});
        const line = step.run(op, sender) catch |err| switch (err) {
            error.TooLarge => "too-large",
            error.Full => "full",
            error.NotANumber => "not-a-number",
            error.Unavailable => "unavailable",
            error.NoSuchSecret => "no-such-secret",
            else => return err,
        };
        try lines.append(postern.allocator(), line);
    }
}

const Op = enum {
    id,
    source,
    received,
    format,
    size,
    data,
    read,
    json,
    header,
    config,
    @"config-json",
    enabled,
    log,
    count,
    gauge,
    observe,
    now,
    monotonic,
    @"kv-get",
    @"kv-set",
    @"kv-add",
    @"kv-increment",
    @"kv-swap",
    @"kv-delete",
    @"kv-keys",
    sign,
    verify,
    @"clients-count",
    @"clients-find",
    client,
    sender,
    label,
    unlabel,
    disconnect,
    pong,
    send,
    @"send-binary",
    loop,
    trap,
    grow,
    recurse,
};

const Step = struct {
    message: postern.Message,
    at: usize,

    fn argument(step: Step, name: []const u8) ?[]const u8 {
        return step.message.json(postern.format("/do/{d}/{s}", .{ step.at, name }));
    }

    fn text(step: Step, name: []const u8) []const u8 {
        return step.argument(name) orelse "";
    }

    fn number(step: Step, comptime T: type, name: []const u8) !T {
        return std.fmt.parseInt(T, step.text(name), 10);
    }

    fn real(step: Step, name: []const u8) !f64 {
        return std.fmt.parseFloat(f64, step.text(name));
    }

    fn options(step: Step) !postern.kv.Options {
        return .{ .ttl = if (step.argument("c")) |ttl| try std.fmt.parseInt(u64, ttl, 10) else null };
    }

    fn level(step: Step) !postern.log.Level {
        return std.meta.stringToEnum(postern.log.Level, step.text("a")) orelse postern.fail("no level", .{});
    }

    fn algorithm(step: Step) !postern.signing.Algorithm {
        const Named = enum { @"hmac-sha1", @"hmac-sha256", @"hmac-sha512" };
        const named = std.meta.stringToEnum(Named, step.text("b")) orelse return postern.fail("no algorithm", .{});
        return switch (named) {
            .@"hmac-sha1" => .hmac_sha1,
            .@"hmac-sha256" => .hmac_sha256,
            .@"hmac-sha512" => .hmac_sha512,
        };
    }

    fn run(step: Step, op: Op, sender: ?postern.Client) ![]const u8 {
        const message = step.message;
        const a = step.text("a");
        switch (op) {
            .id => return words.number(message.id()),
            .source => return message.source(),
            .received => return words.number(message.received()),
            .format => return @tagName(message.format()),
            .size => return words.number(message.size()),
            .data => return message.data(),
            .read => return message.read(try step.number(u64, "a"), try step.number(u64, "b")),
            .json => return words.shown(message.json(a)),
            .header => return words.shown(message.header(a)),
            .config => return words.shown(postern.config.get(a)),
            .@"config-json" => return postern.config.json(),
            .enabled => return words.truth(postern.log.enabled(try step.level())),
            .log => if (step.argument("c")) |key|
                postern.log.write(try step.level(), step.text("b"), .{ key, step.text("d") })
            else
                postern.log.write(try step.level(), step.text("b"), .{}),
            .count => postern.metrics.count(a, try step.number(u64, "b")),
            .gauge => postern.metrics.gauge(a, try step.real("b")),
            .observe => postern.metrics.observe(a, try step.real("b")),
            .now => return words.number(postern.clock.now()),
            .monotonic => {
                const first = postern.clock.monotonic();
                return if (postern.clock.monotonic() < first) "back" else "ok";
            },
            .@"kv-get" => return words.shown(try postern.kv.get(a)),
            .@"kv-set" => try postern.kv.set(a, step.text("b"), try step.options()),
            .@"kv-add" => return words.truth(try postern.kv.add(a, step.text("b"), try step.options())),
            .@"kv-increment" => return words.number(try postern.kv.increment(a, try step.number(i64, "b"), try step.options())),
            .@"kv-swap" => return words.truth(try postern.kv.swap(a, step.argument("b"), step.argument("c"))),
            .@"kv-delete" => try postern.kv.delete(a),
            .@"kv-keys" => return words.joined(try postern.kv.keys(a, step.argument("b"), try step.number(u32, "c")), ","),
            .sign => return words.hex(try postern.signing.sign(a, try step.algorithm(), step.text("c"))),
            .verify => {
                const signature = try words.fromHex(step.text("d"));
                return words.truth(try postern.signing.verify(a, try step.algorithm(), step.text("c"), signature));
            },
            .@"clients-count" => return words.number(postern.clients.count(try words.selector(a))),
            .@"clients-find" => {
                var found: std.ArrayList([]const u8) = .empty;
                for (postern.clients.find(try words.selector(a), try step.number(u32, "b"))) |id| {
                    try found.append(postern.allocator(), words.number(id));
                }
                return words.joined(found.items, ",");
            },
            .client => return if (postern.clients.get(try step.number(u64, "a"))) |one| words.client(one) else "none",
            .sender => return if (sender) |one| words.client(one) else "none",
            .label => postern.clients.addLabel(try step.number(u64, "a"), .{ .key = step.text("b"), .value = step.text("c") }),
            .unlabel => postern.clients.removeLabel(try step.number(u64, "a"), .{ .key = step.text("b"), .value = step.text("c") }),
            .disconnect => postern.clients.disconnect(try step.number(u64, "a"), .{ .code = try step.number(u16, "b"), .reason = step.text("c") }),
            .pong => postern.clients.pong(try step.number(u64, "a"), step.text("b")),
            .send => postern.outbox.sendExcept(try words.selector(a), try words.ids(step.argument("c")), .text(step.text("b"))),
            .@"send-binary" => postern.outbox.sendExcept(try words.selector(a), try words.ids(step.argument("c")), .binary(step.text("b"))),
            .loop => endless(),
            .trap => @trap(),
            .grow => try grow(try step.number(usize, "a")),
            .recurse => return words.number(recurse(0)),
        }
        return "ok";
    }
};

fn endless() void {
    var turns: usize = 0;
    while (true) {
        turns +%= 1;
        std.mem.doNotOptimizeAway(turns);
    }
}

fn grow(mebibytes: usize) !void {
    const page = 4096;
    for (0..mebibytes) |_| {
        const some = try std.heap.wasm_allocator.alloc(u8, 1 << 20);
        var at: usize = 0;
        while (at < some.len) : (at += page) {
            some[at] = 1;
            std.mem.doNotOptimizeAway(some[at]);
        }
    }
}

fn recurse(depth: u64) u64 {
    var here: [256]u8 = undefined;
    here[0] = @truncate(depth);
    std.mem.doNotOptimizeAway(&here);
    return if (depth == std.math.maxInt(u64)) 0 else recurse(depth + 1) + here[0];
}
