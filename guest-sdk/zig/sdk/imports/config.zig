//! The filter's own section of postern's configuration.

const abi = @import("../abi.zig");

/// One setting: a string as its text, anything else as JSON.
pub fn get(key: []const u8) ?[]const u8 {
    var out: abi.Maybe = undefined;
    imported.get(abi.at(key), key.len, &out);
    return out.get();
}

/// All of them, as one JSON object.
pub fn json() []const u8 {
    var out: abi.Bytes = undefined;
    imported.json(&out);
    return out.slice();
}

/// All of them, as a type of yours, by std.json: a setting it has no field for is an error.
pub fn parse(comptime T: type) !T {
    return @import("std").json.parseFromSliceLeaky(T, abi.allocator(), json(), .{});
}

const imported = struct {
    extern "postern:filter/config@0.1.0" fn get([*]const u8, usize, *abi.Maybe) void;
    extern "postern:filter/config@0.1.0" fn json(*abi.Bytes) void;
};
