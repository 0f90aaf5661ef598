//! Signatures made and checked with keys a filter can name and never see.

const abi = @import("../abi.zig");

pub const Algorithm = enum(i32) { hmac_sha1, hmac_sha256, hmac_sha512 };

pub const Fault = error{
    /// The operator gave this filter no secret of that name.
    NoSuchSecret,
};

/// Whether `signature`, as raw bytes, is right. Compared in constant time.
pub fn verify(secret: []const u8, algorithm: Algorithm, data: []const u8, signature: []const u8) Fault!bool {
    var out: extern struct { failed: u8, right: u8 } = undefined;
    imported.verify(abi.at(secret), secret.len, @intFromEnum(algorithm), abi.at(data), data.len, abi.at(signature), signature.len, @ptrCast(&out));
    return if (out.failed != 0) Fault.NoSuchSecret else out.right != 0;
}

/// A signature, as raw bytes.
pub fn sign(secret: []const u8, algorithm: Algorithm, data: []const u8) Fault![]const u8 {
    var out: extern struct { failed: u8, is: extern union { fault: u8, signature: abi.Bytes } } = undefined;
    imported.sign(abi.at(secret), secret.len, @intFromEnum(algorithm), abi.at(data), data.len, @ptrCast(&out));
    return if (out.failed != 0) Fault.NoSuchSecret else out.is.signature.slice();
}

const imported = struct {
    extern "postern:filter/signing@0.1.0" fn verify([*]const u8, usize, i32, [*]const u8, usize, [*]const u8, usize, *anyopaque) void;
    extern "postern:filter/signing@0.1.0" fn sign([*]const u8, usize, i32, [*]const u8, usize, *anyopaque) void;
};
