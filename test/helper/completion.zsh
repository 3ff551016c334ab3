# Shows what zsh lists for a command line: zsh -f completion.zsh SCRIPT LINE
# A second zsh with a terminal of its own gets the line, is asked for a list, and then prints a mark.
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1= PS2= RPS1= LISTMAX=0; stty -echo columns 200 rows 500; unset zle_bracketed_paste; unsetopt prompt_sp prompt_cr beep
  autoload -Uz compinit; compinit -u -D; source '${(q)1}'
  mark () { print; print DO""NE }; zle -N mark; bindkey "^I" list-choices "^X" mark; print REA""DY'
while zpty -r shell out; do [[ $out == *READY* ]] && break; done
zpty -w -n shell "$2"$'\t\x18'
while zpty -r shell out; do print -rn -- "$out"; [[ $out == *DONE* ]] && break; done
zpty -d shell
