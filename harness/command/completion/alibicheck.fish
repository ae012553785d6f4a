# Completion of alibicheck for fish: alibicheck completion fish
function __alibicheck_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l typed (commandline -ct)
    $words[1] completion words -- $words[2..-1] 2>/dev/null | while read -l line
        switch $line
            case \tfiles \tfolders
                set -l option (string match -r -- '^--[^=]*=' $typed)
                for path in (__fish_complete_path (string replace -r -- '^--[^=]*=' '' $typed))
                    echo -- "$option"$path
                end
            case \tnospace
            case '*'
                echo -- $line
        end
    end
end
complete -c alibicheck -f -a '(__alibicheck_complete)'
