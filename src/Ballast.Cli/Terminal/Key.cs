namespace Ballast.Cli.Terminal;

/// <summary>What somebody pressed, or did to the terminal.</summary>
internal enum KeyKind
{
    /// <summary>A character.</summary>
    Text,
    Enter,
    Escape,
    Backspace,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,

    /// <summary>A key that nobody here knows.</summary>
    Other,

    /// <summary>The terminal has another size, or its content was lost.</summary>
    Resized,

    /// <summary>There will be no more keys.</summary>
    Closed,
}

/// <param name="Kind">Which key.</param>
/// <param name="Text">The character of <see cref="KeyKind.Text"/>; else empty.</param>
internal readonly record struct Key(KeyKind Kind, string Text = "")
{
    public static Key Of(string text) => new(KeyKind.Text, text);
}
