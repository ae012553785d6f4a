#compdef alibicheck
# Completion of alibicheck for zsh: alibicheck completion zsh
_alibicheck() {
    local line word about ask
    local -a candidates abouts space
    for line in "${(@f)$("${(Q)words[1]}" completion words -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
        word=${line%%$'\t'*} about=${line#*$'\t'}
        [[ -z $line ]] && continue
        if [[ -n $word ]]; then
            candidates+=("$word")
            abouts+=("$word${about:+  -- $about}")
        elif [[ $about == nospace ]]; then
            space=(-S '')
        else
            ask=$about
        fi
    done
    (( $#candidates )) && compadd -l $space -d abouts -- "${candidates[@]}"
    if [[ -n $ask ]]; then
        compset -P '--*='
        if [[ $ask == folders ]]; then _files -/; else _files; fi
    fi
}
if [[ $funcstack[1] == _alibicheck ]]; then _alibicheck "$@"; else compdef _alibicheck alibicheck; fi
