//! Messages a filter sends on its own account: straight to clients, past the filters that follow, once the handler has
//! returned without an error, in the order sent. They are durable as events are.

const abi = @import("../abi.zig");
const types = @import("../types.zig");

/// Sends to everyone `to` chooses.
pub fn send(to: types.Selector, payload: types.Payload) void {
    sendExcept(to, &.{}, payload);
}

/// Sends to everyone `to` chooses, less `except`.
pub fn sendExcept(to: types.Selector, except: []const types.ClientId, payload: types.Payload) void {
    const selector: abi.Selector = .of(to);
    const format: i32 = @intFromEnum(payload.format);
    imported.send(selector.kind, selector.items, selector.len, abi.at(except), except.len, format, abi.at(payload.data), payload.data.len);
}

const imported = struct {
    extern "postern:filter/outbox@0.1.0" fn send(i32, [*]const u8, usize, [*]const u64, usize, i32, [*]const u8, usize) void;
};
