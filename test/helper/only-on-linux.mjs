/** Ends the process, saying why, where there is no /proc. @param what is read from it */
export function onlyOnLinux (what) {
  if (process.platform === 'linux') return
  console.log(`skipped: ${what} from /proc, which only Linux has`)
  process.exit(0)
}
