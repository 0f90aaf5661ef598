//! What lasts, restarts and crashes included. Each filter has a keyspace of its own, unless the operator gave several the
//! same. Every operation is atomic and acts at once.

const abi = @import("../abi.zig");

pub const Fault = error{
    /// The key or the value is longer than the operator allows.
    TooLarge,
    /// The keyspace is full.
    Full,
    /// The value there is not a number.
    NotANumber,
    /// The store behind it did not answer.
    Unavailable,
};

pub const Options = struct {
    /// In milliseconds: then the key goes by itself.
    ttl: ?u64 = null,
};

pub fn get(key: []const u8) Fault!?[]const u8 {
    var out: extern struct { failed: u8, is: extern union { fault: u8, value: abi.Maybe } } = undefined;
    imported.get(abi.at(key), key.len, @ptrCast(&out));
    return if (out.failed != 0) fault(out.is.fault) else out.is.value.get();
}

pub fn set(key: []const u8, value: []const u8, options: Options) Fault!void {
    var out: Outcome = undefined;
    imported.set(abi.at(key), key.len, abi.at(value), value.len, @intFromBool(options.ttl != null), options.ttl orelse 0, &out);
    if (out.failed != 0) return fault(out.what);
}

/// Sets only what is not there, and says whether it did. The whole of deduplication: `kv.add(id, "", .{ .ttl = 60_000 })`.
pub fn add(key: []const u8, value: []const u8, options: Options) Fault!bool {
    var out: Outcome = undefined;
    imported.add(abi.at(key), key.len, abi.at(value), value.len, @intFromBool(options.ttl != null), options.ttl orelse 0, &out);
    return if (out.failed != 0) fault(out.what) else out.what != 0;
}

/// Adds to a decimal number, from nought, and says what it came to. The time to live counts from the first. The whole of rate
/// limiting.
pub fn increment(key: []const u8, by: i64, options: Options) Fault!i64 {
    var out: extern struct { failed: u8, is: extern union { fault: u8, number: i64 } } = undefined;
    imported.increment(abi.at(key), key.len, by, @intFromBool(options.ttl != null), options.ttl orelse 0, @ptrCast(&out));
    return if (out.failed != 0) fault(out.is.fault) else out.is.number;
}

/// Sets it to `new` if it is `old`, and says whether it was. Null is: not there.
pub fn swap(key: []const u8, old: ?[]const u8, new: ?[]const u8) Fault!bool {
    var out: Outcome = undefined;
    const was = old orelse "";
    const becomes = new orelse "";
    imported.swap(abi.at(key), key.len, @intFromBool(old != null), abi.at(was), was.len, @intFromBool(new != null), abi.at(becomes), becomes.len, &out);
    return if (out.failed != 0) fault(out.what) else out.what != 0;
}

pub fn delete(key: []const u8) Fault!void {
    var out: Outcome = undefined;
    imported.delete(abi.at(key), key.len, &out);
    if (out.failed != 0) return fault(out.what);
}

/// Keys that begin with `prefix`, in order, after `after`, at most `limit`.
pub fn keys(prefix: []const u8, after: ?[]const u8, limit: u32) Fault![]const []const u8 {
    var out: extern struct { failed: u8, is: extern union { fault: u8, list: abi.List(abi.Bytes) } } = undefined;
    const from = after orelse "";
    imported.keys(abi.at(prefix), prefix.len, @intFromBool(after != null), abi.at(from), from.len, limit, @ptrCast(&out));
    if (out.failed != 0) return fault(out.is.fault);
    const found = abi.allocate([]const u8, out.is.list.len);
    for (found, out.is.list.slice()) |*key, bytes| key.* = bytes.slice();
    return found;
}

/// `result<_, fault>` and `result<bool, fault>`: what is said second is the fault, or the answer.
const Outcome = extern struct { failed: u8, what: u8 };

fn fault(which: u8) Fault {
    return switch (which) {
        0 => Fault.TooLarge,
        1 => Fault.Full,
        2 => Fault.NotANumber,
        else => Fault.Unavailable,
    };
}

const imported = struct {
    extern "postern:filter/kv@0.1.0" fn get([*]const u8, usize, *anyopaque) void;
    extern "postern:filter/kv@0.1.0" fn set([*]const u8, usize, [*]const u8, usize, i32, u64, *Outcome) void;
    extern "postern:filter/kv@0.1.0" fn add([*]const u8, usize, [*]const u8, usize, i32, u64, *Outcome) void;
    extern "postern:filter/kv@0.1.0" fn increment([*]const u8, usize, i64, i32, u64, *anyopaque) void;
    extern "postern:filter/kv@0.1.0" fn swap([*]const u8, usize, i32, [*]const u8, usize, i32, [*]const u8, usize, *Outcome) void;
    extern "postern:filter/kv@0.1.0" fn delete([*]const u8, usize, *Outcome) void;
    extern "postern:filter/kv@0.1.0" fn keys([*]const u8, usize, i32, [*]const u8, usize, u32, *anyopaque) void;
};
