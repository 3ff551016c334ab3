import { type FlagWord, quoteForShell, type Vocabulary } from './vocabulary.ts'

/** The completion script for zsh, to source or to install as `_maas-auth-proxy` on the fpath. */
export function zshCompletion ({ flags, commands }: Vocabulary): string {
  const wordCases = commands
    .flatMap(({ name, words }) => words.length > 0 ? [`        ${name}) compadd -- ${words.join(' ')} ;;\n`] : [])
    .join('')
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
${wordCases}      esac ;;
  esac
}
if [[ $funcstack[1] == _maas_auth_proxy ]]; then _maas_auth_proxy "$@"
else compdef _maas_auth_proxy maas-auth-proxy; fi
`
}

/** An option as `_arguments` of zshcompsys(1) reads it. */
function specOf ({ flag, help, repeatable, value, offer }: FlagWord): string {
  const action = offer === 'files' ? '_files' : offer === null ? ' ' : `(${offer.join(' ')})`
  const option = `${repeatable ? '*' : ''}${flag}`
  return value === null ? `${option}[${escape(help)}]` : `${option}=[${escape(help)}]:${value}:${action}`
}

function escape (text: string): string {
  return text.replaceAll(/[\\:[\]]/g, '\\$&')
}
