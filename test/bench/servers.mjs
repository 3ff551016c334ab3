// The configurations of the servers from Debian's packages, with the same work as ours where they can: a fresh OAuth
// header a request, kept connections, bodies streamed, no log.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scratch } from './processes.mjs'
import { ECHO_PATH, KEY, SAMPLE } from './sample.mjs'

/** The header in the words of a server. @param percent how it writes `%` */
function authorization ({ nonce, timestamp, percent = '%' }) {
  return `OAuth oauth_version="1.0", oauth_signature_method="PLAINTEXT", oauth_consumer_key="${KEY.consumer}", oauth_token="${KEY.token}", oauth_signature="${percent}26${KEY.secret}", oauth_nonce="${nonce}", oauth_timestamp="${timestamp}"`
}

function written (name, text) {
  const path = join(scratch, name)
  writeFileSync(path, text)
  return path
}

/** nginx in one process, with what it needs to run without root and without a trace. */
function nginx (name, http) {
  const path = written(`${name}.conf`, `
daemon off; master_process off; pid ${scratch}/${name}.pid; error_log /dev/null;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000000; client_max_body_size 0;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${scratch}/${name}-${kind};`).join(' ')}
  ${http}
}`)
  return ['nginx', '-c', path, '-e', '/dev/null']
}

/** The command of an nginx that answers as MAAS would. */
export function nginxUpstream (port) {
  return nginx('upstream', `server {
    listen 127.0.0.1:${port};
    default_type application/json;
    location / { return 200 '${SAMPLE}'; }
    location ${ECHO_PATH} { return 200 $http_authorization; }
  }`)
}

/** What `start` of a peer gives: see peers.mjs. */
export function startNginx ({ port, upstream }) {
  return {
    command: nginx('peer', `
  upstream maas { server ${new URL(upstream).host}; keepalive 64; keepalive_requests 1000000000; }
  map $msec $epoch { "~^(?<seconds>\\d+)" $seconds; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://maas; proxy_http_version 1.1; proxy_set_header Connection '';
      proxy_request_buffering off; proxy_max_temp_file_size 0;
      proxy_set_header Authorization '${authorization({ nonce: '$request_id', timestamp: '$epoch' })}';
    }
  }`)
  }
}

export function startHaproxy ({ port, upstream }) {
  const path = written('haproxy.cfg', `
global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  http-reuse always
frontend plain
  bind 127.0.0.1:${port}
  http-request set-header Authorization '${authorization({ nonce: '%[uuid()]', timestamp: '%[date()]', percent: '%%' })}'
  default_backend maas
backend maas
  server maas ${new URL(upstream).host}
`)
  return { command: ['haproxy', '-db', '-f', path] }
}

export function startCaddy ({ port, upstream }) {
  const path = written('Caddyfile', `
{
  admin off
  auto_https off
  log {
    output discard
  }
}
http://127.0.0.1:${port} {
  bind 127.0.0.1
  reverse_proxy ${new URL(upstream).host} {
    header_up Authorization \`${authorization({ nonce: '{http.request.uuid}', timestamp: '{time.now.unix}' })}\`
  }
}
`)
  return { command: ['caddy', 'run', '--adapter', 'caddyfile', '--config', path], env: { XDG_CONFIG_HOME: scratch, XDG_DATA_HOME: scratch } }
}

/** It signs nothing; a bearer token is what it lends. */
export function startKubectl ({ port, upstream }) {
  const path = written('kubeconfig', JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'maas', cluster: { server: upstream } }],
    users: [{ name: 'maas', user: { token: KEY.secret } }],
    contexts: [{ name: 'maas', context: { cluster: 'maas', user: 'maas' } }],
    'current-context': 'maas'
  }))
  return { command: ['kubectl', 'proxy', '--kubeconfig', path, '--port', String(port), '--address', '127.0.0.1'] }
}
