import type { Vocabulary } from './vocabulary.ts'

/** The completion script for bash 3.2 and later. It does not need the package bash-completion. */
export function bashCompletion ({ flags, commands }: Vocabulary): string {
  const withValue = flags.filter(({ value }) => value !== null)
  const names = (list: ReadonlyArray<{ flag: string }>) => list.map(({ flag }) => flag).join('|')
  const valueCases = withValue
    .flatMap(({ flag, offer }) => Array.isArray(offer) ? [`    ${flag}) words='${offer.join(' ')}' ;;\n`] : [])
    .join('')
  const wordCases = commands
    .flatMap(({ name, words }) => words.length > 0 ? [`          ${name}) words='${words.join(' ')}' ;;\n`] : [])
    .join('')
  return `# bash completion for maas-auth-proxy: source <(maas-auth-proxy completion bash)
_maas_auth_proxy () {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command='' words='' word i behind=0
  COMPREPLY=()
  # To bash, --flag=value is three words.
  if [[ $cur == '=' ]]; then cur=''; elif [[ $prev == '=' ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      --) _maas_auth_proxy_offer "$( ((i + 1 == COMP_CWORD)) && echo -c || echo -f)"; return ;;
      ${names(withValue)}) ((i++)); if [[ \${COMP_WORDS[i]} == '=' ]]; then ((i++)); fi ;;
      -*) ;;
      *) if [[ -z $command ]]; then command=\${COMP_WORDS[i]}; else ((behind++)); fi ;;
    esac
  done
  case $prev in
${valueCases}    ${names(withValue.filter(({ offer }) => offer === 'files'))}) _maas_auth_proxy_offer -f; return ;;
    ${names(withValue.filter(({ offer }) => offer === null))}) return ;;
    *)
      if [[ $cur == -* ]]; then words='${flags.map(({ flag }) => flag).join(' ')}'
      elif [[ -z $command ]]; then words='${commands.map(({ name }) => name).join(' ')}'
      elif ((behind == 0)); then
        case $command in
${wordCases}        esac
      fi ;;
  esac
  _maas_auth_proxy_offer -W "$words"
}
# Takes cur from its caller.
_maas_auth_proxy_offer () {
  if [[ $1 == -f ]]; then compopt -o filenames 2>/dev/null; fi
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen "$@" -- "$cur")
}
complete -F _maas_auth_proxy maas-auth-proxy
`
}
