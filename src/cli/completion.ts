// `rustlog completion`: scripts that make a shell ask `rustlog __complete` for what a word may become.
// Leaves to others: the answers (complete.ts).
import { Argument } from "@commander-js/extra-typings";
import { newCommand } from "./command.js";
import { writeText } from "./output.js";

const EXAMPLES = `
  source <(rustlog completion bash)
  rustlog completion bash > ~/.local/share/bash-completion/completions/rustlog
  rustlog completion zsh > "\${fpath[1]}/_rustlog"
  rustlog completion fish > ~/.config/fish/completions/rustlog.fish`;

/** Bash splits words at : and =, but the line is whole. 3.2, which macOS has, knows neither mapfile nor compopt. */
const BASH = `# Completion of rustlog for bash.
_rustlog() {
  local cur=\${COMP_WORDS[COMP_CWORD]} kind="" line=""
  case $cur in [:=]) cur="" ;; esac
  COMPREPLY=()
  while IFS= read -r line; do
    if [ -z "$kind" ]; then kind=$line
    else COMPREPLY+=("$(printf %q "$line")")
    fi
  done < <("\${COMP_WORDS[0]/#\\~/$HOME}" __complete bash "$COMP_WORDBREAKS" "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
  case $kind in
    files | directories)
      local flag=-f
      [ "$kind" = directories ] && flag=-d
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen $flag -- "$cur")
      ;;
    nospace) compopt -o nospace 2>/dev/null ;;
  esac
}
complete -F _rustlog rustlog
`;

const ZSH = `#compdef rustlog
# Completion of rustlog for zsh.
_rustlog() {
  local -a lines values
  local kind line
  lines=("\${(@f)$("\${(Q)words[1]/#\\~/$HOME}" __complete zsh "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  kind=$lines[1]
  shift lines
  case $kind in
    files) compset -P '--*='; _files ;;
    directories) compset -P '--*='; _files -/ ;;
    *)
      for line in $lines; do values+=("\${\${line//:/\\\\:}/$'\\t'/:}"); done
      if [[ $kind = nospace ]]; then _describe -t values value values -S ''
      else _describe -t values value values
      fi
      ;;
  esac
}
if [ "$funcstack[1]" = _rustlog ]; then _rustlog "$@"; else compdef _rustlog rustlog; fi
`;

const FISH = `# Completion of rustlog for fish.
function __rustlog_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($words[1] __complete fish $words[2..-1] "$current" 2>/dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path (string replace -r '^--[^=]*=' '' -- "$current")
        case directories
            __fish_complete_directories (string replace -r '^--[^=]*=' '' -- "$current") ''
        case '*'
            printf '%s\\n' $lines[2..-1]
    end
end
complete -c rustlog -f -a '(__rustlog_complete)'
`;

const SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;

export function completionCommand() {
  const description = "Print a script that completes commands, options, topics and groups";
  return newCommand("completion", description, EXAMPLES)
    .addArgument(new Argument("<shell>", "the shell").choices(["bash", "zsh", "fish"] as const))
    .action((shell) => writeText(SCRIPTS[shell]));
}
