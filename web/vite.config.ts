import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// The bundle is embedded in the server and served from its root; during development every path
// of the server is handed on to one that runs here (RUSHES_URL, by default the address of `rushes demo`).
const server = process.env.RUSHES_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [svelte()],
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 800 },
  server: {
    host: '127.0.0.1',
    proxy: {
      '^/(add|admin|authenticate|complete|copy|create|delete|files|get|health|home|import|invite|join|leave|list|live|logout|move|ping|remove|rooms|search|set|setup|start|update)(/|$)':
        server,
      '/ws': { target: server, ws: true },
    },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node', restoreMocks: true },
});
