import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { WITHOUT_LOADER } from './process.ts'

/** The images that the Dockerfile begins with. Where their registries are out of reach, stand-ins have their names. */
const BUILD_BASE = 'docker.io/library/node:24.21-bookworm-slim'
const RUN_BASE = 'gcr.io/distroless/nodejs24-debian12'

/** Returns why images cannot be built here, or false. */
export function whyNoImages (): string | false {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'buildah builds as root of a Linux alone'
  const missing = ['buildah', 'unshare', 'setpriv', 'ldd'].filter(command => spawnSync(command, ['--version']).status !== 0)
  return missing.length > 0 && `there is no ${missing.join(', ')}`
}

/** Images in a store of their own, which goes with its folder. */
export class ImageStore {
  readonly #dir: string
  constructor (dir: string) {
    this.#dir = dir
  }

  /** Runs buildah. @returns what it prints */
  buildah (...args: readonly string[]): string {
    const store = ['--root', join(this.#dir, 'store'), '--runroot', join(this.#dir, 'run'), '--storage-driver', 'vfs']
    return execFileSync('buildah', [...store, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 * 1024 * 1024 }).trim()
  }

  /** Makes both bases: a shell with this Node and its npm, and this Node alone. */
  makeStandIns (): void {
    const build = new Root(join(this.#dir, 'build-base'))
    for (const program of ['sh', 'mkdir', 'cp', 'env']) build.add(which(program), `/bin/${program}`)
    build.link('/bin/env', '/usr/bin/env')
    build.add(process.execPath, '/usr/local/bin/node')
    const npm = dirname(dirname(execFileSync('readlink', ['-f', which('npm')], { encoding: 'utf8' }).trim()))
    build.addFolder(npm, '/usr/local/lib/node_modules/npm')
    build.link('/usr/local/lib/node_modules/npm/bin/npm-cli.js', '/usr/local/bin/npm')
    const certificates = process.env['NODE_EXTRA_CA_CERTS']
    if (certificates !== undefined) build.add(certificates, '/etc/ca.pem')
    this.#commit(build, BUILD_BASE, [
      ...certificates === undefined ? [] : ['--env', 'NODE_EXTRA_CA_CERTS=/etc/ca.pem'], '--env', 'npm_config_cache=/npm', '--env', 'npm_config_prefer_offline=true'
    ])

    const run = new Root(join(this.#dir, 'run-base'))
    run.add(process.execPath, '/nodejs/bin/node')
    this.#commit(run, RUN_BASE)
  }

  /** Builds the Dockerfile of a folder. @param npmCache packages that npm need not fetch */
  build (name: string, folder: string, npmCache: string, args: Readonly<Record<string, string>>): void {
    const given = Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`])
    this.buildah('bud', '--isolation', 'chroot', '--format', 'docker', '--pull-never', '--volume', `${npmCache}:/npm`, ...given, '--tag', name, folder)
  }

  /** Returns the configuration of an image, as the Docker image specification has it. */
  configOf (name: string): { [field: string]: unknown, Entrypoint: string[], Healthcheck: { Test: string[] } } {
    return JSON.parse(JSON.parse(this.buildah('inspect', '--type', 'image', name)).Config).config
  }

  /** Makes a container of an image. @returns the folder that is its root */
  mount (name: string): string {
    return this.buildah('mount', this.buildah('from', '--pull-never', name))
  }

  /** The root of the image that programs run on. */
  mountBase (): string {
    return this.mount(RUN_BASE)
  }

  #commit (root: Root, name: string, config: readonly string[] = []): void {
    const container = this.buildah('from', 'scratch')
    this.buildah('copy', container, root.dir, '/')
    this.buildah('config', ...config, '--label', 'stand-in=true', container)
    this.buildah('commit', '--rm', container, name)
  }
}

/** A folder that becomes the root of an image. */
class Root {
  readonly dir: string
  constructor (dir: string) {
    this.dir = dir
    for (const name of ['tmp', 'etc', 'proc', 'dev', 'sys', 'run/secrets']) mkdirSync(join(dir, name), { recursive: true })
    writeFileSync(join(dir, 'etc/passwd'), 'root:x:0:0::/:/sbin/nologin\n')
  }

  /** Adds a file, and the libraries that it is linked to. */
  add (file: string, to: string): void {
    this.#copy(file, to)
    const { stdout } = spawnSync('ldd', [file], { encoding: 'utf8' })
    for (const [library] of stdout.matchAll(/\/\S+/g)) if (basename(library) !== basename(file)) this.#copy(library, library)
  }

  addFolder (folder: string, to: string): void {
    cpSync(folder, join(this.dir, to), { recursive: true })
  }

  link (target: string, at: string): void {
    mkdirSync(dirname(join(this.dir, at)), { recursive: true })
    symlinkSync(target, join(this.dir, at))
  }

  #copy (file: string, to: string): void {
    mkdirSync(dirname(join(this.dir, to)), { recursive: true })
    copyFileSync(file, join(this.dir, to))
  }
}

function which (program: string): string {
  return execFileSync('sh', ['-c', 'command -v "$1"', 'sh', program], { encoding: 'utf8' }).trim()
}

/**
 * The command that runs another one as a pod would: as the first process of its namespace, in a read-only root with no
 * other file system but /proc and /dev, as a user without capabilities who can get none. The network is the host's.
 */
export function podCommand (root: string, user: string, command: readonly string[]): string[] {
  const [uid = '', gid = ''] = user.split(':')
  const script = 'r=$1; shift; mount --bind "$r" "$r" && mount -t proc proc "$r/proc" && mount --rbind /dev "$r/dev" && mount -o remount,ro,bind "$r" && exec "$@"'
  return [
    'env', ...WITHOUT_LOADER, 'unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', script, 'sh', root,
    'setpriv', '--no-new-privs', 'unshare', '--root', root, '--wd', '/', '--setgid', gid, '--setuid', uid, ...command
  ]
}

/** The process that `podCommand` became. @param pid of its first process */
export function podProcess (pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim())
}
