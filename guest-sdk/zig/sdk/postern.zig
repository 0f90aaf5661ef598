//! Write a filter for the postern gateway in Zig.
//!
//! A filter is a file with a few public functions of the names below. Its filter.toml says which of them it has; the compiler
//! says when the two differ. Each may return an error: that is a failure of the filter, told by the error's name or in the
//! words given to `fail`.
//!
//! | filter.toml | you write | you are asked |
//! |---|---|---|
//! | `message` | `pub fn onMessage(message: Message) !Verdict` | what to do with each message a webhook delivers |
//! | `admission` | `pub fn onConnect(request: Request) !Admission` | whether a client may connect, and as whom |
//! | `client` | `pub fn onClientMessage(sender: Client, message: Message) !Verdict` | what to do with what a client sends |
//! | `event` | `pub fn onEvent(client: Client, event: Event) !void` | nothing; you are told of connects, closes, pings, … |
//! | `audience` | `pub fn choose(message: Message, clients: []const Client, chosen: []bool) !void` | who of these gets it |
//! | `http` | `pub fn onRequest(request: Request) !Answer` | how to answer a plain HTTP request |
//! | `setup` | `pub fn configure() !void` | to check your configuration before any traffic |
//!
//! Four rules hold everywhere:
//!
//! 1. You free nothing. All that postern gives you, and all that comes from `allocator()`, is yours until your function
//!    returns, and gone after that.
//! 2. What comes in is a handle: nothing is copied into your memory until you ask for it.
//! 3. A call happens whole or not at all. What you send or ask of clients takes effect only if you return no error. (`kv`,
//!    `metrics` and `log` are the exceptions: they act at once.)
//! 4. Do not count on globals between calls: most filters get a fresh instance each time. Keep what must last in `kv`, or in
//!    client labels.
//!
//! Version 0.1.0, for postern:filter@0.1.0. It runs on every later 0.1.

const std = @import("std");
const abi = @import("abi.zig");
const types = @import("types.zig");

pub const config = @import("imports/config.zig");
pub const log = @import("imports/log.zig");
pub const metrics = @import("imports/metrics.zig");
pub const clock = @import("imports/clock.zig");
pub const outbox = @import("imports/outbox.zig");
pub const clients = @import("imports/clients.zig");
pub const kv = @import("imports/kv.zig");
pub const signing = @import("imports/signing.zig");
pub const whatsapp = @import("whatsapp.zig");

pub const Accepted = types.Accepted;
pub const Admission = types.Admission;
pub const Answer = types.Answer;
pub const Client = types.Client;
pub const ClientId = types.ClientId;
pub const Close = types.Close;
pub const Delivery = types.Delivery;
pub const Denial = types.Denial;
pub const Event = types.Event;
pub const Format = types.Format;
pub const Grant = types.Grant;
pub const Header = types.Header;
pub const Label = types.Label;
pub const Message = types.Message;
pub const Payload = types.Payload;
pub const Request = types.Request;
pub const Response = types.Response;
pub const Selector = types.Selector;
pub const Verdict = types.Verdict;

/// Makes an error with words of its own: `return postern.fail("no such desk: {s}", .{desk});`
pub const fail = @import("exports.zig").fail;

/// Gives memory that is there until the handler has returned.
pub const allocator = abi.allocator;

/// Text put together as by `std.fmt`, in memory that is there until the handler has returned.
pub fn format(comptime text: []const u8, args: anytype) []const u8 {
    return std.fmt.allocPrint(allocator(), text, args) catch @panic("out of memory");
}

// What follows is for the root that `postern filter build` writes.

pub const exports = @import("exports.zig").exports;

/// The last words of a filter go to the log; then it traps.
pub const panic = std.debug.FullPanic(struct {
    fn panic(words: []const u8, address: ?usize) noreturn {
        _ = address;
        log.err(words, .{ "panic", "true" });
        @trap();
    }
}.panic);

pub const std_options: std.Options = .{ .log_level = .debug, .logFn = log.standard };
