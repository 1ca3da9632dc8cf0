using System.Text;
using Ballast.Cli.Output;

namespace Ballast.Cli.Shell;

/// <summary>Lines as they come, without editing: from a file or a pipe, which are shown as if they were typed, or from a terminal.</summary>
internal sealed class PlainLines(CliHost host, CommandOutput output) : ILineReader
{
    private const byte EndOfTransmission = 4;

    private readonly byte[] _buffer = new byte[4096];
    private readonly List<byte> _line = [];
    private int _next, _end;
    private bool _hasEnded;

    public string? Read(string prompt, CancellationToken cancellationToken)
    {
        output.Out.Write(prompt);
        output.Out.Flush();
        string? line = ReadLine(cancellationToken);
        if (line is not null && !host.Input.IsTerminal)
            output.Out.WriteLine(line);
        return line;
    }

    public void Remember(string line)
    {
    }

    public void Dispose()
    {
    }

    private string? ReadLine(CancellationToken cancellationToken)
    {
        _line.Clear();
        while (!_hasEnded)
        {
            if (_next == _end)
            {
                _next = 0;
                _end = host.Input.Read(_buffer, cancellationToken);
                if (_end < 0)
                {
                    _end = 0;
                    output.Out.WriteLine("");
                    return "";
                }

                if (_end == 0)
                {
                    _hasEnded = true;
                    return _line.Count > 0 ? Encoding.UTF8.GetString([.. _line]) : null;
                }
            }

            byte next = _buffer[_next++];
            if (next is (byte)'\n' or (byte)'\r')
                return Encoding.UTF8.GetString([.. _line]);
            if (next != EndOfTransmission)
                _line.Add(next);
            else if (_line.Count == 0)
                _hasEnded = true;
        }

        return null;
    }
}
