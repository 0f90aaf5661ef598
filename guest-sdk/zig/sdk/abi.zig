//! How values lie in memory between postern and a filter, as the component model has it, and the memory they lie in.

const std = @import("std");
const types = @import("types.zig");

/// Where a slice is. An empty one of Zig's may be anywhere, and postern looks whether it is in the filter's memory.
pub fn at(slice: anytype) @TypeOf(slice.ptr) {
    return if (slice.len == 0) @ptrFromInt(16) else slice.ptr;
}

/// `string`, `list<u8>`
pub const Bytes = extern struct {
    data: [*]const u8,
    len: usize,

    pub fn of(some: []const u8) Bytes {
        return .{ .data = at(some), .len = some.len };
    }

    pub fn slice(bytes: Bytes) []const u8 {
        // Of nothing, postern gives any address at all.
        return if (bytes.len == 0) "" else bytes.data[0..bytes.len];
    }
};

/// `option<string>`, `option<list<u8>>`
pub const Maybe = extern struct {
    there: u8,
    bytes: Bytes,

    pub fn of(some: ?[]const u8) Maybe {
        return .{ .there = @intFromBool(some != null), .bytes = .of(some orelse "") };
    }

    pub fn get(maybe: Maybe) ?[]const u8 {
        return if (maybe.there != 0) maybe.bytes.slice() else null;
    }
};

/// A list of anything.
pub fn List(comptime T: type) type {
    return extern struct {
        items: [*]const T,
        len: usize,

        pub fn of(items: []const T) @This() {
            return .{ .items = at(items), .len = items.len };
        }

        pub fn slice(list: @This()) []const T {
            return if (list.len == 0) &.{} else list.items[0..list.len];
        }
    };
}

/// A label, a header, a field of the log: two strings, or a string and bytes.
pub const Pair = extern struct {
    first: Bytes,
    second: Bytes,
};

pub const Payload = extern struct {
    format: u8,
    data: Bytes,

    pub fn of(payload: types.Payload) Payload {
        return .{ .format = @intFromEnum(payload.format), .data = .of(payload.data) };
    }
};

pub const MaybePayload = extern struct {
    there: u8,
    payload: Payload,

    pub fn of(payload: ?types.Payload) MaybePayload {
        return .{ .there = @intFromBool(payload != null), .payload = .of(payload orelse .{ .format = .text, .data = "" }) };
    }
};

pub const Selector = extern struct {
    kind: u8,
    items: [*]const u8,
    len: usize,

    pub fn of(selector: types.Selector) Selector {
        return switch (selector) {
            .everyone => .{ .kind = 0, .items = "", .len = 0 },
            .clients => |ids| .{ .kind = 1, .items = @ptrCast(at(ids)), .len = ids.len },
            .any_label => |some| labelled(2, some),
            .all_labels => |some| labelled(3, some),
        };
    }

    fn labelled(kind: u8, some: []const types.Label) Selector {
        const pairs = labels(some);
        return .{ .kind = kind, .items = @ptrCast(pairs.items), .len = pairs.len };
    }
};

pub fn labels(some: []const types.Label) List(Pair) {
    const pairs = allocate(Pair, some.len);
    for (pairs, some) |*pair, label| pair.* = .{ .first = .of(label.key), .second = .of(label.value) };
    return .of(pairs);
}

// ---------------------------------------------------------------------------------------------------------------------
// Memory: all of a call's goes when the call has ended.
// ---------------------------------------------------------------------------------------------------------------------

var arena: std.heap.ArenaAllocator = .init(std.heap.wasm_allocator);

/// Gives memory that is there until the handler has returned.
pub fn allocator() std.mem.Allocator {
    return arena.allocator();
}

/// A filter without memory cannot go on, and a trap says so.
pub fn allocate(comptime T: type, len: usize) []T {
    return allocator().alloc(T, len) catch @panic("out of memory");
}

/// Where postern puts what it gives.
fn realloc(old: ?[*]u8, old_len: usize, alignment: usize, len: usize) callconv(.c) [*]u8 {
    _ = alignment;
    if (len == 0) return @ptrFromInt(16);
    const memory = allocator().alignedAlloc(u8, .@"16", len) catch @trap();
    if (old_len != 0) @memcpy(memory[0..@min(len, old_len)], old.?[0..@min(len, old_len)]);
    return memory.ptr;
}

var owned: std.ArrayList(types.Client) = .empty;

/// A client's handle that is the filter's own, to let go of when the handler has returned.
pub fn own(client: types.Client) void {
    owned.append(allocator(), client) catch @panic("out of memory");
}

/// Lets go of them: the handler has returned, and postern can still be asked.
pub fn disown() void {
    for (owned.items) |client| client.drop();
    owned = .empty;
}

/// Postern has read what was returned. Nothing can be asked of it here.
pub fn ended(returned: *const anyopaque) callconv(.c) void {
    _ = returned;
    _ = arena.reset(.retain_capacity);
}

comptime {
    @export(&realloc, .{ .name = "cabi_realloc" });
}
