import { type Command, type Commands, EXIT } from '../command.ts'
import { manPage } from './man-page.ts'

/**
 * Makes the command that prints the manual page. The build puts its output into the package.
 * @param commands every command, including this one
 */
export function man (commands: () => Commands, version: () => string): Command {
  return {
    summary: 'print the manual page',
    help: 'print the manual page, for man -l -',
    examples: [
      ['man | man -l -', 'read it']
    ],
    async run (_line, { stdout }) {
      stdout.write(manPage(commands(), version()))
      return EXIT.ok
    }
  }
}
