import type { FlagWord, Vocabulary } from './vocabulary.ts'

/** The script for fish, from 3.1 on. */
export function fishCompletion ({ flags, commands }: Vocabulary): string {
  const names = commands.map(({ name }) => name).join(' ')
  const line = (condition: string, rest: string) => `complete -c maas-auth-proxy -n ${quote(`not __maas_auth_proxy_operands; and ${condition}`)} ${rest}\n`
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
${commands.map(({ name, help }) => line(`not __fish_seen_subcommand_from ${names}`, `-a ${name} -d ${quote(help)}`)).join('')}${
commands.filter(({ words }) => words.length > 0).map(({ name, words }) => line(`__fish_seen_subcommand_from ${name}; and not __fish_seen_subcommand_from ${words.join(' ')}`, `-a ${quote(words.join(' '))}`)).join('')}${
flags.map(flag => line('true', optionOf(flag))).join('')}`
}

function optionOf ({ flag, help, value, offer }: FlagWord): string {
  const takes = value === null ? '' : offer === 'files' ? ' -r -F' : offer === null ? ' -x' : ` -x -a ${quote(offer.join(' '))}`
  return `-l ${flag.slice(2)}${takes} -d ${quote(help)}`
}

function quote (text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`
}
