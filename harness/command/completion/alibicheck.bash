# Completion of alibicheck for bash: alibicheck completion bash
_alibicheck() {
    local line=$COMP_LINE words=() i part gap joined quote= stem= breaks= word
    # bash breaks words at = and : as well: they are joined again.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        part=${COMP_WORDS[i]}
        if [[ -n $part ]]; then gap=${line%%"$part"*}; else gap=${line%%[![:space:]]*}; fi
        line=${line:${#gap}}
        line=${line:${#part}}
        if ((i == 0)) || [[ $gap == *[[:space:]]* ]]; then words+=("$part"); else words[-1]+=$part; fi
    done
    joined=${words[-1]}
    if [[ $joined == [\'\"]* ]]; then # a quote that is open; bash closes it, and breaks nothing in it
        quote=yes
        joined=${joined:1}
    else # what stands before the last break is no part of what bash replaces
        [[ $COMP_WORDBREAKS == *=* ]] && breaks+==
        [[ $COMP_WORDBREAKS == *:* ]] && breaks+=:
        [[ -n $breaks ]] && stem=${joined%"${joined##*[$breaks]}"}
    fi
    words[-1]=$joined
    COMPREPLY=()
    while IFS= read -r line; do
        word=${line%%$'\t'*}
        case $line in
        $'\tfiles' | $'\tfolders')
            compopt -o filenames
            [[ $line == *files ]] && i=-f || i=-d
            mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen "$i" -- "${joined#"$stem"}")
            ;;
        $'\tnospace') compopt -o nospace ;;
        *)
            word=${word#"$stem"}
            [[ -z $quote && $word == *[!A-Za-z0-9_.,:=/+@%-]* ]] && printf -v word %q "$word"
            COMPREPLY+=("$word")
            ;;
        esac
    done < <("${COMP_WORDS[0]/#\~\//$HOME/}" completion words -- "${words[@]:1}")
} 2>/dev/null
complete -F _alibicheck alibicheck
