//! Does whatever it is told to, through every function of the SDK: tests/behaviour asks the same of a filter in each
//! language.

const std = @import("std");
const postern = @import("postern");
const steps = @import("steps.zig");
const words = @import("words.zig");

pub fn configure() !void {
    if (postern.config.get("trap") != null) @trap();
    if (postern.config.get("fail")) |text| return postern.fail("{s}", .{text});
}

pub fn onMessage(message: postern.Message) !postern.Verdict {
    return answer(message, null);
}

pub fn onClientMessage(sender: postern.Client, message: postern.Message) !postern.Verdict {
    return answer(message, sender);
}

const Told = enum { report, @"report-binary", pass, drop, rewrite, send, @"error" };

fn answer(message: postern.Message, sender: ?postern.Client) !postern.Verdict {
    const report = try steps.report(message, sender);
    const told = message.json("/answer") orelse "report";
    switch (std.meta.stringToEnum(Told, told) orelse return postern.fail("unknown answer: {s}", .{told})) {
        .report => return .{ .rewrite = .text(report) },
        .@"report-binary" => return .{ .rewrite = .binary(report) },
        .pass => return .pass,
        .drop => return .{ .drop = message.json("/reason") },
        .rewrite => return .{ .rewrite = .text(message.json("/text") orelse "") },
        .send => return .{ .send = try deliveries(message) },
        .@"error" => return postern.fail("{s}", .{message.json("/reason") orelse ""}),
    }
}

fn deliveries(message: postern.Message) ![]const postern.Delivery {
    var all: std.ArrayList(postern.Delivery) = .empty;
    while (message.json(postern.format("/to/{d}/to", .{all.items.len}))) |to| {
        const at = all.items.len;
        const text = message.json(postern.format("/to/{d}/text", .{at}));
        try all.append(postern.allocator(), .{
            .to = try words.selector(to),
            .except = try words.ids(message.json(postern.format("/to/{d}/except", .{at}))),
            .payload = if (text) |data| .text(data) else null,
        });
    }
    return all.items;
}

pub fn onConnect(request: postern.Request) !postern.Admission {
    if (request.param("error")) |text| return postern.fail("{s}", .{text});
    if (request.param("deny")) |body| return .{ .deny = .{
        .status = try std.fmt.parseInt(u16, request.param("status") orelse "403", 10),
        .body = body,
        .reason = request.param("reason"),
    } };
    return .{ .allow = .{
        .subject = request.param("subject"),
        .labels = try words.labels(request.param("label")),
        .subprotocol = request.param("subprotocol"),
        .greeting = if (request.param("greeting")) |text| .text(text) else null,
    } };
}

pub fn onEvent(client: postern.Client, event: postern.Event) !void {
    const detail = switch (event) {
        .connect => "",
        .close => |close| if (close) |why| postern.format("{d} {s}", .{ why.code, why.reason }) else "none",
        .disconnect => |why| words.shown(why),
        .ping, .pong => |data| data,
    };
    const text = postern.format("{s}:{s}", .{ @tagName(event), detail });
    try postern.kv.set("event", text, .{});
    postern.clients.addLabel(client.id(), .{ .key = "seen", .value = @tagName(event) });
    postern.outbox.send(.everyone, .text(text));
}

pub fn choose(message: postern.Message, clients: []const postern.Client, chosen: []bool) !void {
    if (message.json("/fail")) |text| return postern.fail("{s}", .{text});
    const room = message.json("/room") orelse return;
    for (clients, chosen) |client, *through| {
        through.* = if (client.label("room")) |own| std.mem.eql(u8, own, room) else false;
    }
}

pub fn onRequest(request: postern.Request) !postern.Answer {
    const Do = enum { echo, accept, @"error" };
    const what = std.meta.stringToEnum(Do, request.param("do") orelse "") orelse return .pass;
    switch (what) {
        .@"error" => return postern.fail("told to", .{}),
        .accept => return .{ .accept = .{
            .message = .text(request.body()),
            .response = .{ .status = 202, .body = "taken" },
        } },
        .echo => return .{ .respond = .{
            .headers = &.{.{ .name = "content-type", .value = "text/plain" }},
            .body = words.joined(&.{
                request.method(),
                request.path(),
                words.shown(request.query()),
                words.shown(request.header("x-test")),
                words.number(request.headers().len),
                request.address(),
                request.body(),
            }, "\n"),
        } },
    }
}
