// Gives what is built the same modes under every umask: `npm pack` puts them into the package.
import { chmodSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const dist = fileURLToPath(new URL('../dist', import.meta.url))
for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name)
  chmodSync(path, entry.isDirectory() || path === join(dist, 'main.js') ? 0o755 : 0o644)
}
chmodSync(dist, 0o755)
