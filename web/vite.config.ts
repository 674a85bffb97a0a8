import { defineConfig, type Plugin } from "vite";

/** wavesurfer.js writes its style into the page as it runs, which the page's content policy refuses; `src/style/wave.css` stands in for it. */
function withoutInlineStyle(): Plugin {
  return {
    name: "without-inline-style",
    transform(code, id) {
      if (!id.endsWith("/wavesurfer.js/dist/renderer.js")) return null;
      const bare = code.replace(/<style[\s\S]*?<\/style>/, "");
      if (bare === code) this.error("wavesurfer.js has no inline style any more: see whether src/style/wave.css is still needed");
      return { code: bare, map: null };
    },
  };
}

// The build must come out the same, byte for byte, on every machine: a test compares it with what is committed.
export default defineConfig({
  base: "./",
  plugins: [withoutInlineStyle()],
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rollupOptions: { input: { index: "index.html", docs: "docs.html" } },
  },
  server: { proxy: { "/synthesize": "http://127.0.0.1:7860", "/api": "http://127.0.0.1:7860", "/readyz": "http://127.0.0.1:7860" } },
});
