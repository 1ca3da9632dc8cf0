using System.Threading.Channels;

namespace Ballast.Cli.Terminal;

/// <summary>A whole screen and a keyboard. Disposing it gives the terminal back as it was.</summary>
internal interface ITerminal : IDisposable
{
    int Columns { get; }

    int Rows { get; }

    /// <summary>What is pressed from now on.</summary>
    ChannelReader<Key> Keys { get; }

    void Write(string text);
}
