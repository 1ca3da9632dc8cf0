using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Xml;

/// <summary>
/// Parts of an XML document, by an XPath expression. The system's libxml2 finds and writes them, as it does for virsh. It is
/// loaded when somebody asks for it: .NET's XPath would make every start of the program slower.
/// </summary>
internal static unsafe partial class XPathQuery
{
    private const int ErrorMessageOffset = 8;

    [ThreadStatic]
    private static string? _error;

    /// <param name="xml">The document.</param>
    /// <param name="expression">What to select; it starts at the document's first element.</param>
    /// <param name="isWrapped">Whether all that is found is put into one element <c>nodes</c>.</param>
    /// <returns>Each part as XML.</returns>
    /// <exception cref="CommandException">The document or the expression is wrong, or there is no libxml2.</exception>
    public static IReadOnlyList<string> Select(string xml, string expression, bool isWrapped)
    {
        try
        {
            return SelectParts(xml, expression, isWrapped);
        }
        catch (DllNotFoundException)
        {
            throw new CommandException("option --xpath needs the library libxml2, which is not installed (Debian: apt install libxml2)");
        }
    }

    private static List<string> SelectParts(string xml, string expression, bool isWrapped)
    {
        LibXml2.SetStructuredErrorFunc(0, &KeepError);
        LibXml2.SetGenericErrorFunc(0, &Ignore);
        byte[] text = Encoding.UTF8.GetBytes(xml);
        nint document = LibXml2.ReadMemory(text, text.Length, 0, 0, LibXml2.NoBlanks | LibXml2.NoNetwork);
        if (document == 0)
            throw new CommandException($"the domain's XML cannot be read: {_error}");
        nint context = 0, found = 0;
        try
        {
            context = LibXml2.NewContext(document);
            ((LibXml2.ContextHead*)context)->Node = LibXml2.GetRootElement(document);
            found = LibXml2.Eval(Encoding.UTF8.GetBytes(expression + "\0"), context);
            if (found == 0)
                throw new CommandException($"'{expression}' is not a valid XPath expression: {_error}");
            LibXml2.Found* result = (LibXml2.Found*)found;
            if (result->Type != LibXml2.NodeSet)
                throw new CommandException($"internal error: Incorrect xpath '{expression}'");
            ReadOnlySpan<nint> nodes = result->Nodes == null ? [] : new(result->Nodes->Items, result->Nodes->Count);
            if (isWrapped)
                return [Wrap(nodes)];
            List<string> parts = [];
            foreach (nint node in nodes)
                parts.Add(Write(document, node));
            return parts;
        }
        finally
        {
            if (found != 0)
                LibXml2.FreeFound(found);
            if (context != 0)
                LibXml2.FreeContext(context);
            LibXml2.FreeDocument(document);
        }
    }

    private static string Wrap(ReadOnlySpan<nint> nodes)
    {
        nint document = LibXml2.NewDocument(0);
        try
        {
            nint root = LibXml2.NewNode(document, 0, "nodes\0"u8.ToArray(), 0);
            _ = LibXml2.SetRootElement(document, root);
            foreach (nint node in nodes)
                _ = LibXml2.AddChild(root, LibXml2.CopyNode(node, document, 1));
            return Write(document, root);
        }
        finally
        {
            LibXml2.FreeDocument(document);
        }
    }

    private static string Write(nint document, nint node)
    {
        nint buffer = LibXml2.NewBuffer();
        try
        {
            _ = LibXml2.Dump(buffer, document, node, 0, 1);
            return Marshal.PtrToStringUTF8(LibXml2.Content(buffer)) ?? "";
        }
        finally
        {
            LibXml2.FreeBuffer(buffer);
        }
    }

    // libxml2 writes to standard error itself, where nobody takes its errors.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void KeepError(nint context, nint error) =>
        _error = Marshal.PtrToStringUTF8(*(nint*)(error + ErrorMessageOffset))?.TrimEnd();

    // It says some things this way only. Further arguments, which the format names, are not looked at.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Ignore(nint context, nint format)
    {
    }

    /// <summary>Functions of libxml2, by its names.</summary>
    private static partial class LibXml2
    {
        public const int NoBlanks = 256, NoNetwork = 2048, NodeSet = 1;

        private const string Library = "libxml2";

        // Its name changed with version 2.14.
        static LibXml2() => NativeLibrary.SetDllImportResolver(typeof(LibXml2).Assembly, static (name, _, _) =>
            name == Library && (NativeLibrary.TryLoad("libxml2.so.2", out nint handle) || NativeLibrary.TryLoad("libxml2.so.16", out handle)) ? handle : 0);

        /// <summary>The beginning of <c>xmlXPathContext</c>.</summary>
        public struct ContextHead(nint document)
        {
            public readonly nint Document = document;
            public nint Node;
        }

        /// <summary>The beginning of <c>xmlXPathObject</c>.</summary>
        public readonly struct Found(int type, NodeList* nodes)
        {
            public readonly int Type = type;
            public readonly NodeList* Nodes = nodes;
        }

        /// <summary><c>xmlNodeSet</c>.</summary>
        public readonly struct NodeList(int count, int room, nint* items)
        {
            public readonly int Count = count;
            public readonly int Room = room;
            public readonly nint* Items = items;
        }

        [LibraryImport(Library, EntryPoint = "xmlSetStructuredErrorFunc")]
        public static partial void SetStructuredErrorFunc(nint context, delegate* unmanaged[Cdecl]<nint, nint, void> handler);

        [LibraryImport(Library, EntryPoint = "xmlSetGenericErrorFunc")]
        public static partial void SetGenericErrorFunc(nint context, delegate* unmanaged[Cdecl]<nint, nint, void> handler);

        [LibraryImport(Library, EntryPoint = "xmlReadMemory")]
        public static partial nint ReadMemory(byte[] text, int length, nint url, nint encoding, int options);

        [LibraryImport(Library, EntryPoint = "xmlFreeDoc")]
        public static partial void FreeDocument(nint document);

        [LibraryImport(Library, EntryPoint = "xmlNewDoc")]
        public static partial nint NewDocument(nint version);

        [LibraryImport(Library, EntryPoint = "xmlDocGetRootElement")]
        public static partial nint GetRootElement(nint document);

        [LibraryImport(Library, EntryPoint = "xmlDocSetRootElement")]
        public static partial nint SetRootElement(nint document, nint node);

        [LibraryImport(Library, EntryPoint = "xmlNewDocNode")]
        public static partial nint NewNode(nint document, nint names, byte[] name, nint content);

        [LibraryImport(Library, EntryPoint = "xmlDocCopyNode")]
        public static partial nint CopyNode(nint node, nint document, int depth);

        [LibraryImport(Library, EntryPoint = "xmlAddChild")]
        public static partial nint AddChild(nint parent, nint child);

        [LibraryImport(Library, EntryPoint = "xmlXPathNewContext")]
        public static partial nint NewContext(nint document);

        [LibraryImport(Library, EntryPoint = "xmlXPathFreeContext")]
        public static partial void FreeContext(nint context);

        [LibraryImport(Library, EntryPoint = "xmlXPathEval")]
        public static partial nint Eval(byte[] expression, nint context);

        [LibraryImport(Library, EntryPoint = "xmlXPathFreeObject")]
        public static partial void FreeFound(nint found);

        [LibraryImport(Library, EntryPoint = "xmlBufferCreate")]
        public static partial nint NewBuffer();

        [LibraryImport(Library, EntryPoint = "xmlBufferFree")]
        public static partial void FreeBuffer(nint buffer);

        [LibraryImport(Library, EntryPoint = "xmlBufferContent")]
        public static partial nint Content(nint buffer);

        [LibraryImport(Library, EntryPoint = "xmlNodeDump")]
        public static partial int Dump(nint buffer, nint document, nint node, int level, int format);
    }
}
