// Runs in a worker, for that is where the engine computes, and some browsers have WebGPU in pages only: says which GPU there
// is. What follows from that is decided in src/page/adapter.rs.
(async () => {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  const info = adapter?.info ?? {};
  return {
    webgpu: Boolean(navigator.gpu),
    adapter: adapter && {
      name: [info.vendor, info.architecture, info.description].filter(Boolean).join(" "),
      fallback: Boolean(info.isFallbackAdapter ?? adapter.isFallbackAdapter),
      timestamps: adapter.features.has("timestamp-query"),
      invocations: adapter.limits.maxComputeInvocationsPerWorkgroup,
      storage: adapter.limits.maxComputeWorkgroupStorageSize,
      buffer: adapter.limits.maxStorageBufferBindingSize,
    },
  };
})().catch((error) => ({ webgpu: true, failed: error.message })).then((found) => postMessage(JSON.stringify(found)));
