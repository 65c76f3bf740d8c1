# Completion of `nightjar` for bash: source it, or install it as /usr/share/bash-completion/completions/nightjar.
_nightjar() {
  local commands="serve deploy canvases run rerun run-function delete-trace import-traces ps top watch metrics kill suspend pause block tighten controls lift audit traces trace hold release holds 404s handler-from-404 incidents incident why similar evidence canvas usage limits policy rules doctor functions fmt"
  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" command="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ " $commands " == *" ${COMP_WORDS[i]} "* ]] && command="${COMP_WORDS[i]}" && break
  done
  case "$before" in
    --state) COMPREPLY=($(compgen -d -- "$word")); return ;;
    --input | --out | --policy | --rules | --store | --index | --object | --file) COMPREPLY=($(compgen -f -- "$word")); return ;;
    --open-with) COMPREPLY=($(compgen -c -- "$word")); return ;;
    --format) COMPREPLY=($(compgen -W "otlp chrome" -- "$word")); return ;;
    --sort) COMPREPLY=($(compgen -W "cpu memory runs kills refusals name" -- "$word")); return ;;
    --by) COMPREPLY=($(compgen -W "hour day canvas" -- "$word")); return ;;
    --color) COMPREPLY=($(compgen -W "auto always never" -- "$word")); return ;;
  esac
  local options="--state --json --color --help"
  case "$command" in
    "") COMPREPLY=($(compgen -W "$commands $options --version" -- "$word")); return ;;
    serve) options="--state --listen --policy --rules --store --index --without --cgroup --drain --help" ;;
    fmt)
      options="--write --check --help"
      [[ "$word" != -* ]] && COMPREPLY=($(compgen -f -- "$word")) && return
      ;;
    deploy) [[ "$word" != -* ]] && COMPREPLY=($(compgen -f -- "$word")) && return ;;
    run) options+=" --input" ;;
    import-traces)
      options+=" --handler"
      [[ "$word" != -* ]] && COMPREPLY=($(compgen -f -- "$word")) && return
      ;;
    rerun) options+=" --revision --live" ;;
    run-function) options+=" --call --arguments --revision --live" ;;
    404s) options+=" -n" ;;
    handler-from-404) options+=" --as" ;;
    traces) options+=" --handler --function --verdict --caller --since --until --field --revision --all-machines -n" ;;
    kill) options+=" --reason --all --canvas --handler --caller --code-hash --dry-run" ;;
    suspend) options+=" --reason --for --kill --drain" ;;
    pause | block) options+=" --reason --for --handler --kind" ;;
    tighten) options+=" --reason --for --handler --urgent" ;;
    lift) options+=" --reason" ;;
    audit) options+=" --since --actor --action --canvas -n --verify --head" ;;
    hold | delete-trace) options+=" --reason" ;;
    trace) options+=" --full --format --object --open-with" ;;
    incident) options+=" --full" ;;
    evidence) options+=" --out" ;;
    canvas) options+=" --timeline --since --until -n" ;;
    similar) options+=" --code-hash --caller --cause --since -n" ;;
    incidents) options+=" -n --verify --head" ;;
    usage) options+=" --since --until --by" ;;
    watch) options+=" --kind -n" ;;
    top) options+=" --sort -n" ;;
    limits) options+=" --handler" ;;
    policy)
      case "${COMP_WORDS[i + 1]}" in
        check | diff) [[ "$word" != -* ]] && COMPREPLY=($(compgen -f -- "$word")) && return ;;
        explain) options+=" --handler --file" ;;
        schema) ;;
        *) options="check diff explain schema --help" ;;
      esac
      ;;
    rules)
      case "${COMP_WORDS[i + 1]}" in
        check) [[ "$word" != -* ]] && COMPREPLY=($(compgen -f -- "$word")) && return ;;
        hits) options+=" --rule --open -n" ;;
        test)
          options+=" --since --until"
          [[ "$word" != -* ]] && COMPREPLY=($(compgen -f -- "$word")) && return
          ;;
        *) options="hits check test --help" ;;
      esac
      ;;
  esac
  COMPREPLY=($(compgen -W "$options" -- "$word"))
}
complete -F _nightjar nightjar
