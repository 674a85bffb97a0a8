import { defineConfig } from "vite";

// The build must come out the same, byte for byte, on every machine: a test compares it with what is committed.
export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rollupOptions: { input: { index: "index.html", docs: "docs.html" } },
  },
  server: { proxy: { "/synthesize": "http://127.0.0.1:7860", "/api": "http://127.0.0.1:7860", "/readyz": "http://127.0.0.1:7860" } },
});
