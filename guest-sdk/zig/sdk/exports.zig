//! What postern calls: each handler that filter.toml names, around the filter's function of that name.

const abi = @import("abi.zig");
const std = @import("std");
const types = @import("types.zig");

/// The handlers there are, as filter.toml names them.
const handlers = .{
    .{ "setup", "configure", "setup", "configure", Configure },
    .{ "message", "onMessage", "message-handler", "on-message", OnMessage },
    .{ "admission", "onConnect", "admission-handler", "on-connect", OnConnect },
    .{ "client", "onClientMessage", "client-handler", "on-client-message", OnClientMessage },
    .{ "event", "onEvent", "event-handler", "on-event", OnEvent },
    .{ "audience", "choose", "audience-handler", "choose", Choose },
    .{ "http", "onRequest", "http-handler", "on-request", OnRequest },
};

/// Exports the handlers `named`, which are functions of `filter`.
pub fn exports(comptime filter: type, comptime named: anytype) void {
    for (handlers) |handler| {
        const wanted = for (named) |name| {
            if (std.mem.eql(u8, @tagName(name), handler[0])) break true;
        } else false;
        if (wanted and !@hasDecl(filter, handler[1]))
            @compileError("filter.toml names the handler `" ++ handler[0] ++ "`, and there is no `pub fn " ++ handler[1] ++ "`");
        if (!wanted and @hasDecl(filter, handler[1]))
            @compileError("there is a `" ++ handler[1] ++ "`, and filter.toml does not name the handler `" ++ handler[0] ++ "`");
        if (wanted) {
            const path = "postern:filter/" ++ handler[2] ++ "@0.1.0#" ++ handler[3];
            @export(&handler[4](filter).call, .{ .name = path });
            @export(&abi.ended, .{ .name = "cabi_post_" ++ path });
        }
    }
}

var words: ?[]const u8 = null;

/// Makes an error with words of its own: `return postern.fail("no such desk: {s}", .{desk});`
pub fn fail(comptime format: []const u8, args: anytype) error{Failed} {
    words = std.fmt.allocPrint(abi.allocator(), format, args) catch "out of memory";
    return error.Failed;
}

/// An error in words: those it was given, or its name.
fn told(err: anyerror) abi.Bytes {
    defer words = null;
    if (err == error.Failed) if (words) |given| return .of(given);
    return .of(@errorName(err));
}

/// `result<_, string>`
const Done = extern struct {
    failed: u8,
    words: abi.Bytes,

    var returned: Done = undefined;

    fn with(result: anyerror!void) *const Done {
        returned = if (result) |_| .{ .failed = 0, .words = .of("") } else |err| .{ .failed = 1, .words = told(err) };
        return &returned;
    }
};

fn Configure(comptime filter: type) type {
    return struct {
        fn call() callconv(.c) *const Done {
            defer abi.disown();
            return .with(filter.configure());
        }
    };
}

const Delivery = extern struct {
    to: abi.Selector,
    except: abi.List(u64),
    payload: abi.MaybePayload,
};

/// `result<verdict, string>`
const Verdict = extern struct {
    failed: u8,
    is: extern union {
        verdict: extern struct {
            kind: u8,
            as: extern union { drop: abi.Maybe, rewrite: abi.Payload, send: abi.List(Delivery) },
        },
        words: abi.Bytes,
    },

    var returned: Verdict = undefined;

    fn with(result: anyerror!types.Verdict) *const Verdict {
        if (result) |verdict| {
            returned.failed = 0;
            returned.is = .{ .verdict = .{ .kind = @intFromEnum(verdict), .as = undefined } };
            const as = &returned.is.verdict.as;
            switch (verdict) {
                .pass => {},
                .drop => |reason| as.* = .{ .drop = .of(reason) },
                .rewrite => |payload| as.* = .{ .rewrite = .of(payload) },
                .send => |some| {
                    const all = abi.allocate(Delivery, some.len);
                    for (all, some) |*one, delivery| one.* = .{ .to = .of(delivery.to), .except = .of(delivery.except), .payload = .of(delivery.payload) };
                    as.* = .{ .send = .of(all) };
                },
            }
        } else |err| {
            returned = .{ .failed = 1, .is = .{ .words = told(err) } };
        }
        return &returned;
    }
};

fn OnMessage(comptime filter: type) type {
    return struct {
        fn call(message: types.Message) callconv(.c) *const Verdict {
            defer abi.disown();
            defer message.drop();
            return .with(filter.onMessage(message));
        }
    };
}

fn OnClientMessage(comptime filter: type) type {
    return struct {
        fn call(sender: types.Client, message: types.Message) callconv(.c) *const Verdict {
            defer abi.disown();
            defer sender.drop();
            defer message.drop();
            return .with(filter.onClientMessage(sender, message));
        }
    };
}

/// `result<admission, string>`
const Admission = extern struct {
    failed: u8,
    is: extern union {
        admission: extern struct {
            kind: u8,
            as: extern union {
                allow: extern struct {
                    subject: abi.Maybe,
                    labels: abi.List(abi.Pair),
                    subprotocol: abi.Maybe,
                    greeting: abi.MaybePayload,
                },
                deny: extern struct { status: u16, body: abi.Bytes, reason: abi.Maybe },
            },
        },
        words: abi.Bytes,
    },

    var returned: Admission = undefined;

    fn with(result: anyerror!types.Admission) *const Admission {
        if (result) |admission| {
            returned.failed = 0;
            returned.is = .{ .admission = .{ .kind = @intFromEnum(admission), .as = undefined } };
            const as = &returned.is.admission.as;
            switch (admission) {
                .allow => |grant| as.* = .{ .allow = .{
                    .subject = .of(grant.subject),
                    .labels = abi.labels(grant.labels),
                    .subprotocol = .of(grant.subprotocol),
                    .greeting = .of(grant.greeting),
                } },
                .deny => |denial| as.* = .{ .deny = .{ .status = denial.status, .body = .of(denial.body), .reason = .of(denial.reason) } },
            }
        } else |err| {
            returned = .{ .failed = 1, .is = .{ .words = told(err) } };
        }
        return &returned;
    }
};

fn OnConnect(comptime filter: type) type {
    return struct {
        fn call(request: types.Request) callconv(.c) *const Admission {
            defer abi.disown();
            defer request.drop();
            return .with(filter.onConnect(request));
        }
    };
}

const Response = extern struct {
    status: u16,
    headers: abi.List(abi.Pair),
    body: abi.Bytes,

    fn of(response: types.Response) Response {
        const pairs = abi.allocate(abi.Pair, response.headers.len);
        for (pairs, response.headers) |*pair, header| pair.* = .{ .first = .of(header.name), .second = .of(header.value) };
        return .{ .status = response.status, .headers = .of(pairs), .body = .of(response.body) };
    }
};

/// `result<http-verdict, string>`
const Answer = extern struct {
    failed: u8,
    is: extern union {
        answer: extern struct {
            kind: u8,
            as: extern union {
                respond: Response,
                accept: extern struct { message: abi.Payload, response: Response },
            },
        },
        words: abi.Bytes,
    },

    var returned: Answer = undefined;

    fn with(result: anyerror!types.Answer) *const Answer {
        if (result) |answer| {
            returned.failed = 0;
            returned.is = .{ .answer = .{ .kind = @intFromEnum(answer), .as = undefined } };
            const as = &returned.is.answer.as;
            switch (answer) {
                .pass => {},
                .respond => |response| as.* = .{ .respond = .of(response) },
                .accept => |accepted| as.* = .{ .accept = .{ .message = .of(accepted.message), .response = .of(accepted.response) } },
            }
        } else |err| {
            returned = .{ .failed = 1, .is = .{ .words = told(err) } };
        }
        return &returned;
    }
};

fn OnRequest(comptime filter: type) type {
    return struct {
        fn call(request: types.Request) callconv(.c) *const Answer {
            defer abi.disown();
            defer request.drop();
            return .with(filter.onRequest(request));
        }
    };
}

fn OnEvent(comptime filter: type) type {
    return struct {
        /// An event's parts come side by side; what they are depends on its kind.
        fn call(client: types.Client, kind: i32, a: usize, b: usize, c: usize, d: usize) callconv(.c) *const Done {
            defer abi.disown();
            defer client.drop();
            const event: types.Event = switch (kind) {
                0 => .connect,
                1 => .{ .close = if (a == 0) null else .{ .code = @intCast(b), .reason = bytes(c, d) } },
                2 => .{ .disconnect = if (a == 0) null else bytes(b, c) },
                3 => .{ .ping = bytes(a, b) },
                else => .{ .pong = bytes(a, b) },
            };
            return .with(filter.onEvent(client, event));
        }

        fn bytes(address: usize, len: usize) []const u8 {
            return if (len == 0) "" else @as([*]const u8, @ptrFromInt(address))[0..len];
        }
    };
}

/// `result<list<bool>, string>`
const Chosen = extern struct {
    failed: u8,
    is: extern union { chosen: abi.List(bool), words: abi.Bytes },

    var returned: Chosen = undefined;
};

fn Choose(comptime filter: type) type {
    return struct {
        fn call(message: types.Message, clients: [*]const types.Client, len: usize) callconv(.c) *const Chosen {
            defer abi.disown();
            defer message.drop();
            const among: []const types.Client = if (len == 0) &.{} else clients[0..len];
            defer for (among) |client| client.drop();
            const chosen = abi.allocate(bool, len);
            @memset(chosen, false);
            const result: anyerror!void = filter.choose(message, among, chosen);
            Chosen.returned = if (result) |_|
                .{ .failed = 0, .is = .{ .chosen = .of(chosen) } }
            else |err|
                .{ .failed = 1, .is = .{ .words = told(err) } };
            return &Chosen.returned;
        }
    };
}
