import type { FlagWord, Vocabulary } from './vocabulary.ts'

/** The completion script for fish 3.1 and later. */
export function fishCompletion ({ flags, commands }: Vocabulary): string {
  const names = commands.map(({ name }) => name).join(' ')
  const line = (condition: string, rest: string) => (
    `complete -c maas-auth-proxy -n ${quote(`not __maas_auth_proxy_operands; and ${condition}`)} ${rest}\n`
  )
  const commandLines = commands
    .map(({ name, help }) => line(`not __fish_seen_subcommand_from ${names}`, `-a ${name} -d ${quote(help)}`))
  const wordLines = commands.filter(({ words }) => words.length > 0).map(({ name, words }) => {
    const list = words.join(' ')
    const condition = `__fish_seen_subcommand_from ${name}; and not __fish_seen_subcommand_from ${list}`
    return line(condition, `-a ${quote(list)}`)
  })
  const flagLines = flags.map(flag => line('true', optionOf(flag)))
  return `# fish completion for maas-auth-proxy: maas-auth-proxy completion fish | source
function __maas_auth_proxy_operands
    contains -- -- (commandline -opc)
end
function __maas_auth_proxy_complete_operands
    set -l words (commandline -opc)
    set -l end (contains -i -- -- $words)
    set -l operands (string escape -- $words[$end..-1])
    complete -C (string join ' ' -- $operands[2..-1] (commandline -ct))
end
complete -c maas-auth-proxy -f
complete -c maas-auth-proxy -n __maas_auth_proxy_operands -a '(__maas_auth_proxy_complete_operands)'
${[...commandLines, ...wordLines, ...flagLines].join('')}`
}

function optionOf ({ flag, help, value, offer }: FlagWord): string {
  return `-l ${flag.slice(2)}${argumentOf({ value, offer })} -d ${quote(help)}`
}

function argumentOf ({ value, offer }: Pick<FlagWord, 'value' | 'offer'>): string {
  if (value === null) return ''
  if (offer === 'files') return ' -r -F'
  return offer === null ? ' -x' : ` -x -a ${quote(offer.join(' '))}`
}

function quote (text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`
}
