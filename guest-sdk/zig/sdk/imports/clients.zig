//! The clients connected now.

const abi = @import("../abi.zig");
const types = @import("../types.zig");
const ClientId = types.ClientId;

/// How many there are.
pub fn count(among: types.Selector) u64 {
    const selector: abi.Selector = .of(among);
    return imported.count(selector.kind, selector.items, selector.len);
}

/// At most `limit` of them (and 10 000), longest connected first.
pub fn find(among: types.Selector, limit: u32) []const ClientId {
    const selector: abi.Selector = .of(among);
    var out: abi.List(ClientId) = undefined;
    imported.find(selector.kind, selector.items, selector.len, limit, &out);
    return out.slice();
}

/// One of them; null when it is gone.
pub fn get(id: ClientId) ?types.Client {
    var out: extern struct { there: u8, client: types.Client } = undefined;
    imported.get(id, @ptrCast(&out));
    if (out.there == 0) return null;
    abi.own(out.client);
    return out.client;
}

/// Gives one a label, beside any it has. Takes effect when the handler returns without an error.
pub fn addLabel(id: ClientId, label: types.Label) void {
    imported.@"add-label"(id, abi.at(label.key), label.key.len, abi.at(label.value), label.value.len);
}

/// Takes a label away. Takes effect when the handler returns without an error.
pub fn removeLabel(id: ClientId, label: types.Label) void {
    imported.@"remove-label"(id, abi.at(label.key), label.key.len, abi.at(label.value), label.value.len);
}

/// Closes one. Takes effect when the handler returns without an error. Codes are 1000 to 1003, 1007 to 1014, 3000 to 4999.
pub fn disconnect(id: ClientId, why: types.Close) void {
    imported.disconnect(id, why.code, abi.at(why.reason), why.reason.len);
}

/// Answers a ping, on a stream with `pong = "manual"`. Takes effect when the handler returns without an error. At most 125
/// bytes.
pub fn pong(id: ClientId, data: []const u8) void {
    imported.pong(id, abi.at(data), data.len);
}

const imported = struct {
    extern "postern:filter/clients@0.1.0" fn count(i32, [*]const u8, usize) u64;
    extern "postern:filter/clients@0.1.0" fn find(i32, [*]const u8, usize, u32, *abi.List(ClientId)) void;
    extern "postern:filter/clients@0.1.0" fn get(u64, *anyopaque) void;
    extern "postern:filter/clients@0.1.0" fn @"add-label"(u64, [*]const u8, usize, [*]const u8, usize) void;
    extern "postern:filter/clients@0.1.0" fn @"remove-label"(u64, [*]const u8, usize, [*]const u8, usize) void;
    extern "postern:filter/clients@0.1.0" fn disconnect(u64, i32, [*]const u8, usize) void;
    extern "postern:filter/clients@0.1.0" fn pong(u64, [*]const u8, usize) void;
};
