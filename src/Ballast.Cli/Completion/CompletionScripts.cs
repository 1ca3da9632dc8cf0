namespace Ballast.Cli.Completion;

/// <summary>
/// What each shell needs in order to ask the program itself (<see cref="CompleteCommand"/>): so the scripts know no command,
/// and need not change with them.
/// </summary>
internal static class CompletionScripts
{
    /// <summary>Null for a shell that is not known.</summary>
    public static string? For(string shell) => shell switch
    {
        "bash" => Bash,
        "zsh" => Zsh,
        "fish" => Fish,
        _ => null,
    };

    private const string Bash =
        """
        # Completion of ballast for bash: made by `ballast __make completion bash`.
        _ballast() {
            mapfile -t COMPREPLY < <("${COMP_WORDS[0]/#\~/$HOME}" __complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null </dev/null)
        }
        complete -o nospace -F _ballast ballast

        """;

    private const string Zsh =
        """
        #compdef ballast
        # Completion of ballast for zsh: made by `ballast __make completion zsh`.
        _ballast() {
            local line
            local -a candidates descriptions open
            for line in ${(f)"$("${(Q)words[1]}" __complete zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null </dev/null)"}; do
                if [[ ${line%%$'\t'*} == *[/=] ]]; then
                    open+=("${line%%$'\t'*}")
                    continue
                fi
                candidates+=("${line%%$'\t'*}")
                if [[ $line == *$'\t'* ]]; then
                    descriptions+=("${line%%$'\t'*}  -- ${line#*$'\t'}")
                else
                    descriptions+=("$line")
                fi
            done
            compadd -l -d descriptions -a candidates
            compadd -S '' -a open
        }
        if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
            _ballast "$@"
        else
            compdef _ballast ballast
        fi

        """;

    private const string Fish =
        """
        # Completion of ballast for fish: made by `ballast __make completion fish`.
        function __ballast_complete
            set -l words (commandline -opc)
            $words[1] __complete fish $words[2..-1] (commandline -ct | string unescape) 2>/dev/null </dev/null
        end
        complete -c ballast -f -a '(__ballast_complete)'

        """;
}
