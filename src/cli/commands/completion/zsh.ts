import { type FlagWord, quoteForShell, type Vocabulary } from './vocabulary.ts'

/** The script for zsh: to be sourced, or a file `_maas-auth-proxy` on the fpath. */
export function zshCompletion ({ flags, commands }: Vocabulary): string {
  return `#compdef maas-auth-proxy
# zsh completion for maas-auth-proxy: source <(maas-auth-proxy completion zsh)
_maas_auth_proxy () {
  local state line end=\${words[(i)--]}
  if (( end < CURRENT )); then
    words=("\${(@)words[end+1,-1]}")
    (( CURRENT -= end ))
    _normal
    return
  fi
  local -a commands=(
${commands.map(({ name, help }) => `    ${quoteForShell(`${name}:${escape(help)}`)}\n`).join('')}  )
  _arguments \\
${flags.map(flag => `    ${quoteForShell(specOf(flag))} \\\n`).join('')}    '1: :->command' '2: :->word'
  case $state in
    command) _describe command commands ;;
    word)
      case $line[1] in
${commands.filter(({ words }) => words.length > 0).map(({ name, words }) => `        ${name}) compadd -- ${words.join(' ')} ;;\n`).join('')}      esac ;;
  esac
}
if [[ $funcstack[1] == _maas_auth_proxy ]]; then _maas_auth_proxy "$@"; else compdef _maas_auth_proxy maas-auth-proxy; fi
`
}

/** An option as `_arguments` of zshcompsys(1) reads it. */
function specOf ({ flag, help, repeatable, value, offer }: FlagWord): string {
  const action = offer === 'files' ? '_files' : offer === null ? ' ' : `(${offer.join(' ')})`
  return `${repeatable ? '*' : ''}${flag}${value === null ? '' : '='}[${escape(help)}]${value === null ? '' : `:${value}:${action}`}`
}

function escape (text: string): string {
  return text.replaceAll(/[\\:[\]]/g, '\\$&')
}
