//! Numbers for the operator, shown as `postern_filter_<name>{filter="…"}`.

const abi = @import("../abi.zig");

/// Adds to a counter.
pub fn count(name: []const u8, by: u64) void {
    imported.count(abi.at(name), name.len, by);
}

/// Sets a gauge.
pub fn gauge(name: []const u8, value: f64) void {
    imported.gauge(abi.at(name), name.len, value);
}

/// Adds one observation to a histogram.
pub fn observe(name: []const u8, value: f64) void {
    imported.observe(abi.at(name), name.len, value);
}

const imported = struct {
    extern "postern:filter/metrics@0.1.0" fn count([*]const u8, usize, u64) void;
    extern "postern:filter/metrics@0.1.0" fn gauge([*]const u8, usize, f64) void;
    extern "postern:filter/metrics@0.1.0" fn observe([*]const u8, usize, f64) void;
};
