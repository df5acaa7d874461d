// The engine comes in two builds. This browser takes the one with relaxed SIMD, which multiplies and adds in
// one go, if a smallest module with that instruction is valid here. Page and service worker both ask.
self.violetEngine = WebAssembly.validate(Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, // a module
  1, 6, 1, 96, 1, 123, 1, 123, 3, 2, 1, 0, // with one function, of a vector, that makes a vector:
  10, 13, 1, 11, 0, 32, 0, 32, 0, 32, 0, 253, 133, 2, 11, // f32x4.relaxed_madd of it, it and it
)) ? "worker-relaxed" : "worker";
