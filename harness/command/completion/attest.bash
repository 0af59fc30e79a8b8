# Completion of `attest` in bash. The program itself says what may come next; where it says nothing, files are completed.
_attest() {
  local line=${COMP_LINE:0:COMP_POINT} program typed cut
  local -a words
  read -ra words <<<"$line"
  if [[ $line == *[[:space:]] ]]; then words+=(''); fi
  program=${words[0]/#\~/$HOME}
  typed=${words[-1]}
  mapfile -t COMPREPLY < <("$program" complete -- "${words[@]:1}" 2>/dev/null | cut -f 1)
  # readline replaces only what follows the last of its own separators, such as the '=' of json=FILE.
  cut=${typed%"${typed##*[=:]}"}
  [[ $COMP_WORDBREAKS == *[=:]* ]] && COMPREPLY=("${COMPREPLY[@]#"$cut"}")
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:] ]]; then compopt -o nospace; fi
}
complete -o default -F _attest attest
