//! What passes between postern and a filter.

const abi = @import("abi.zig");
const std = @import("std");

/// Names one connection for as long as it lives. Never used again while this postern runs.
pub const ClientId = u64;

/// The two kinds of WebSocket message. Text is UTF-8; anything else as text is an error of the filter.
pub const Format = enum(u8) { text, binary };

/// A body, and how it travels.
pub const Payload = struct {
    format: Format,
    data: []const u8,

    pub fn text(data: []const u8) Payload {
        return .{ .format = .text, .data = data };
    }

    pub fn binary(data: []const u8) Payload {
        return .{ .format = .binary, .data = data };
    }
};

/// Something known of a client, such as `user=42` or `room=lobby`. A client may carry one key with many values.
pub const Label = struct {
    key: []const u8,
    value: []const u8,
};

/// One HTTP header. Names arrive in lower case.
pub const Header = struct {
    name: []const u8,
    value: []const u8,
};

/// A message on its way to clients, or from one. A handle: nothing is copied until it is asked for, and it is good until the
/// handler returns.
pub const Message = extern struct {
    handle: i32,

    /// Identifies the delivery that began this message. Parts of one that was split have the same. 0: a client sent it.
    pub fn id(message: Message) u64 {
        return @"[method]message.id"(message.handle);
    }

    /// The name, in postern's configuration, of the source it came from: a webhook's, or the stream's of a client.
    pub fn source(message: Message) []const u8 {
        var out: abi.Bytes = undefined;
        @"[method]message.source"(message.handle, &out);
        return out.slice();
    }

    /// When postern accepted it, in milliseconds since 1970.
    pub fn received(message: Message) u64 {
        return @"[method]message.received"(message.handle);
    }

    pub fn format(message: Message) Format {
        return if (@"[method]message.format"(message.handle) == 0) .text else .binary;
    }

    /// How many bytes there are, without copying them.
    pub fn size(message: Message) u64 {
        return @"[method]message.size"(message.handle);
    }

    /// All of it, copied into your memory.
    pub fn data(message: Message) []const u8 {
        var out: abi.Bytes = undefined;
        @"[method]message.data"(message.handle, &out);
        return out.slice();
    }

    /// A part of it: at most `len` bytes from `offset`, fewer at the end.
    pub fn read(message: Message, offset: u64, len: u64) []const u8 {
        var out: abi.Bytes = undefined;
        @"[method]message.read"(message.handle, offset, len, &out);
        return out.slice();
    }

    /// The value at an RFC 6901 JSON Pointer such as `/entry/0/id`: a string as its text, anything else as JSON. Null when
    /// there is nothing there or the message is not JSON. postern parses once, however many filters ask.
    pub fn json(message: Message, pointer: []const u8) ?[]const u8 {
        var out: abi.Maybe = undefined;
        @"[method]message.json"(message.handle, abi.at(pointer), pointer.len, &out);
        return out.get();
    }

    /// A header of the HTTP request that delivered it, if the operator lets filters see that header.
    pub fn header(message: Message, name: []const u8) ?[]const u8 {
        var out: abi.Maybe = undefined;
        @"[method]message.header"(message.handle, abi.at(name), name.len, &out);
        return out.get();
    }

    /// All of it, as a type of yours: std.json, with fields it does not know passed over.
    pub fn parse(message: Message, comptime T: type) !T {
        return std.json.parseFromSliceLeaky(T, abi.allocator(), message.data(), .{ .ignore_unknown_fields = true });
    }

    /// For the SDK: lets go of the handle.
    pub fn drop(message: Message) void {
        @"[resource-drop]message"(message.handle);
    }
};

/// A connected client. A handle, good until the handler returns.
pub const Client = extern struct {
    handle: i32,

    pub fn id(client: Client) ClientId {
        return @"[method]client.id"(client.handle);
    }

    /// Who it is, as admission said; null when admission did not say.
    pub fn subject(client: Client) ?[]const u8 {
        var out: abi.Maybe = undefined;
        @"[method]client.subject"(client.handle, &out);
        return out.get();
    }

    /// The first value of the label `key`.
    pub fn label(client: Client, key: []const u8) ?[]const u8 {
        var out: abi.Maybe = undefined;
        @"[method]client.label"(client.handle, abi.at(key), key.len, &out);
        return out.get();
    }

    pub fn labels(client: Client) []const Label {
        var out: abi.List(abi.Pair) = undefined;
        @"[method]client.labels"(client.handle, &out);
        const all = abi.allocate(Label, out.len);
        for (all, out.slice()) |*one, pair| one.* = .{ .key = pair.first.slice(), .value = pair.second.slice() };
        return all;
    }

    /// The peer's address, `ip:port`, after any trusted proxy headers.
    pub fn address(client: Client) []const u8 {
        var out: abi.Bytes = undefined;
        @"[method]client.address"(client.handle, &out);
        return out.slice();
    }

    /// In milliseconds since 1970.
    pub fn since(client: Client) u64 {
        return @"[method]client.since"(client.handle);
    }

    /// For the SDK: lets go of the handle.
    pub fn drop(client: Client) void {
        @"[resource-drop]client"(client.handle);
    }
};

/// An HTTP request: one that asks to become a WebSocket, or a plain one. A handle, good until the handler returns.
pub const Request = extern struct {
    handle: i32,

    /// In upper case: `GET`, `POST`, …
    pub fn method(request: Request) []const u8 {
        var out: abi.Bytes = undefined;
        @"[method]request.method"(request.handle, &out);
        return out.slice();
    }

    /// Always begins with `/`; never includes the query.
    pub fn path(request: Request) []const u8 {
        var out: abi.Bytes = undefined;
        @"[method]request.path"(request.handle, &out);
        return out.slice();
    }

    /// What follows `?`, as sent.
    pub fn query(request: Request) ?[]const u8 {
        var out: abi.Maybe = undefined;
        @"[method]request.query"(request.handle, &out);
        return out.get();
    }

    /// The first value of the query parameter `name`, percent-decoded.
    pub fn param(request: Request, name: []const u8) ?[]const u8 {
        var out: abi.Maybe = undefined;
        @"[method]request.param"(request.handle, abi.at(name), name.len, &out);
        return out.get();
    }

    /// The first header of that name, in any case.
    pub fn header(request: Request, name: []const u8) ?[]const u8 {
        var out: abi.Maybe = undefined;
        @"[method]request.header"(request.handle, abi.at(name), name.len, &out);
        return out.get();
    }

    pub fn headers(request: Request) []const Header {
        var out: abi.List(abi.Pair) = undefined;
        @"[method]request.headers"(request.handle, &out);
        const all = abi.allocate(Header, out.len);
        for (all, out.slice()) |*one, pair| one.* = .{ .name = pair.first.slice(), .value = pair.second.slice() };
        return all;
    }

    /// The peer's address, `ip:port`, after any trusted proxy headers.
    pub fn address(request: Request) []const u8 {
        var out: abi.Bytes = undefined;
        @"[method]request.address"(request.handle, &out);
        return out.slice();
    }

    /// Read in full already. Empty for a request that asks to become a WebSocket.
    pub fn body(request: Request) []const u8 {
        var out: abi.Bytes = undefined;
        @"[method]request.body"(request.handle, &out);
        return out.slice();
    }

    /// For the SDK: lets go of the handle.
    pub fn drop(request: Request) void {
        @"[resource-drop]request"(request.handle);
    }
};

/// Chooses clients.
pub const Selector = union(enum) {
    /// Every connected client.
    everyone,
    /// Those with these ids. Ids that are gone are passed over.
    clients: []const ClientId,
    /// Those that carry at least one of these labels.
    any_label: []const Label,
    /// Those that carry every one of these labels.
    all_labels: []const Label,

    /// Those that carry this label: `.label("room", "lobby")`.
    pub fn label(key: []const u8, value: []const u8) Selector {
        const one = abi.allocate(Label, 1);
        one[0] = .{ .key = key, .value = value };
        return .{ .any_label = one };
    }

    /// This one client.
    pub fn client(id: ClientId) Selector {
        const one = abi.allocate(ClientId, 1);
        one[0] = id;
        return .{ .clients = one };
    }
};

/// Who gets what.
pub const Delivery = struct {
    to: Selector,
    /// Left out even when `to` chooses them: for a relay, the sender.
    except: []const ClientId = &.{},
    /// What they get; null means the message in hand, unchanged.
    payload: ?Payload = null,
};

/// What to do with a message. Filters run in the order configured; when none has narrowed the audience, everyone gets it.
pub const Verdict = union(enum) {
    /// Leave it as it is.
    pass,
    /// Discard it; later filters never see it. The reason, if any, is logged and counted.
    drop: ?[]const u8,
    /// Replace the body; the audience stays as it was.
    rewrite: Payload,
    /// Send it to a selection. Each part goes on down the chain by itself; an empty list is a drop.
    send: []const Delivery,

    /// Send it, as it is, to a selection: `.sendTo(.label("desk", "night"))`.
    pub fn sendTo(to: Selector) Verdict {
        const one = abi.allocate(Delivery, 1);
        one[0] = .{ .to = to };
        return .{ .send = one };
    }
};

/// What a client may connect as.
pub const Grant = struct {
    /// Who it is, for other filters and for the logs.
    subject: ?[]const u8 = null,
    /// What to know it by.
    labels: []const Label = &.{},
    /// The WebSocket subprotocol to agree on; it must be one the client asked for.
    subprotocol: ?[]const u8 = null,
    /// A first message for this client alone, sent before any other.
    greeting: ?Payload = null,
};

/// Why not.
pub const Denial = struct {
    /// 400 to 599. Anything else is sent as 403.
    status: u16 = 403,
    /// Told to the client.
    body: []const u8 = "",
    /// For the log alone.
    reason: ?[]const u8 = null,
};

/// Whether a client may connect. With several admission filters every one must allow it.
pub const Admission = union(enum) {
    allow: Grant,
    deny: Denial,
};

/// A WebSocket close code and its reason.
pub const Close = struct {
    code: u16,
    reason: []const u8 = "",
};

/// What became of a connection.
pub const Event = union(enum) {
    /// Admitted and upgraded; it can be sent to.
    connect,
    /// It sent a close frame. `disconnect` follows.
    close: ?Close,
    /// It is gone: the last event a client has. Why, if it did not close by itself.
    disconnect: ?[]const u8,
    /// It sent a ping. postern has answered, unless the stream says `pong = "manual"`.
    ping: []const u8,
    /// It answered a ping.
    pong: []const u8,
};

/// An HTTP answer.
pub const Response = struct {
    status: u16 = 200,
    headers: []const Header = &.{},
    body: []const u8 = "",
};

/// How to answer a plain HTTP request.
pub const Answer = union(enum) {
    /// Not mine: the next filter, then the gateway's own routes.
    pass,
    /// Answer so.
    respond: Response,
    /// It is a webhook in a dialect of your own: put this in the message chain of the webhook the operator named, and answer
    /// so once it is on disk. To know it when it is sent again, ask `kv.add` first.
    accept: Accepted,
};

pub const Accepted = struct {
    message: Payload,
    response: Response = .{},
};

extern "postern:filter/types@0.1.0" fn @"[method]message.id"(i32) u64;
extern "postern:filter/types@0.1.0" fn @"[method]message.source"(i32, *abi.Bytes) void;
extern "postern:filter/types@0.1.0" fn @"[method]message.received"(i32) u64;
extern "postern:filter/types@0.1.0" fn @"[method]message.format"(i32) i32;
extern "postern:filter/types@0.1.0" fn @"[method]message.size"(i32) u64;
extern "postern:filter/types@0.1.0" fn @"[method]message.data"(i32, *abi.Bytes) void;
extern "postern:filter/types@0.1.0" fn @"[method]message.read"(i32, u64, u64, *abi.Bytes) void;
extern "postern:filter/types@0.1.0" fn @"[method]message.json"(i32, [*]const u8, usize, *abi.Maybe) void;
extern "postern:filter/types@0.1.0" fn @"[method]message.header"(i32, [*]const u8, usize, *abi.Maybe) void;
extern "postern:filter/types@0.1.0" fn @"[resource-drop]message"(i32) void;
extern "postern:filter/types@0.1.0" fn @"[method]client.id"(i32) u64;
extern "postern:filter/types@0.1.0" fn @"[method]client.subject"(i32, *abi.Maybe) void;
extern "postern:filter/types@0.1.0" fn @"[method]client.label"(i32, [*]const u8, usize, *abi.Maybe) void;
extern "postern:filter/types@0.1.0" fn @"[method]client.labels"(i32, *abi.List(abi.Pair)) void;
extern "postern:filter/types@0.1.0" fn @"[method]client.address"(i32, *abi.Bytes) void;
extern "postern:filter/types@0.1.0" fn @"[method]client.since"(i32) u64;
extern "postern:filter/types@0.1.0" fn @"[resource-drop]client"(i32) void;
extern "postern:filter/types@0.1.0" fn @"[method]request.method"(i32, *abi.Bytes) void;
extern "postern:filter/types@0.1.0" fn @"[method]request.path"(i32, *abi.Bytes) void;
extern "postern:filter/types@0.1.0" fn @"[method]request.query"(i32, *abi.Maybe) void;
extern "postern:filter/types@0.1.0" fn @"[method]request.param"(i32, [*]const u8, usize, *abi.Maybe) void;
extern "postern:filter/types@0.1.0" fn @"[method]request.header"(i32, [*]const u8, usize, *abi.Maybe) void;
extern "postern:filter/types@0.1.0" fn @"[method]request.headers"(i32, *abi.List(abi.Pair)) void;
extern "postern:filter/types@0.1.0" fn @"[method]request.address"(i32, *abi.Bytes) void;
extern "postern:filter/types@0.1.0" fn @"[method]request.body"(i32, *abi.Bytes) void;
extern "postern:filter/types@0.1.0" fn @"[resource-drop]request"(i32) void;
