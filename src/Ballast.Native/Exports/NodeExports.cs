using System.Runtime.InteropServices;

namespace Ballast.Native.Exports;

/// <summary>The host: <c>virNode…</c>.</summary>
internal static unsafe class NodeExports
{
    private const int SecurityFieldLength = 257, BitsOfByte = 8;

    [UnmanagedCallersOnly(EntryPoint = "managed_virNodeGetInfo")]
    private static int GetInfo(nint connection, NativeNodeInfo* info)
    {
        const string function = "virNodeGetInfo";
        return Call.OfConnection(connection, function, (handle, token) =>
            info == null ? throw CallException.Null("info", function) : handle.Connection.GetNodeInfoAsync(token), node =>
        {
            *info = new NativeNodeInfo
            {
                Memory = (nuint)node.MemoryKiB,
                Cpus = (uint)node.Cpus,
                MHz = (uint)node.MHz,
                Nodes = (uint)node.Nodes,
                Sockets = (uint)node.SocketsPerNode,
                Cores = (uint)node.CoresPerSocket,
                Threads = (uint)node.ThreadsPerCore,
            };
            NativeText.Fill(info->Model, node.Model);
            return 0;
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virNodeGetFreeMemory")]
    private static ulong GetFreeMemory(nint connection)
    {
        try
        {
            return Blocking.Wait(Handles.Connection(connection, "virNodeGetFreeMemory").Connection.GetFreeMemoryAsync(Blocking.Token));
        }
        catch (Exception e)
        {
            Failure.Raise(e, connection);
            return 0;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virNodeGetCellsFreeMemory")]
    private static int GetCellsFreeMemory(nint connection, ulong* cells, int first, int count)
    {
        const string function = "virNodeGetCellsFreeMemory";
        return Call.OfConnection(connection, function, (handle, token) =>
        {
            if (count <= 0)
                throw CallException.Argument($"maxCells in {function} must be greater than zero", "maxCells", function);
            return cells == null ? throw CallException.Null("freeMems", function) : handle.Connection.GetCellsFreeMemoryAsync(first, count, token);
        }, found =>
        {
            int filled = Math.Min(found.Count, count);
            for (int i = 0; i < filled; i++)
                cells[i] = found[i];
            return filled;
        });
    }

    // Here and below: of several mistakes, libvirt tells the number first, which the library looks at.
    [UnmanagedCallersOnly(EntryPoint = "managed_virNodeGetMemoryStats")]
    private static int GetMemoryStats(nint connection, int cell, NativeNodeStat* stats, int* count, uint flags) =>
        InTwoSteps(connection, "virNodeGetMemoryStats", "virHostMemGetStatsLinux", stats, count, (handle, token) =>
        {
            if (cell >= Connection.AllOfNode)
                handle.RefuseFlags(flags, "NodeGetMemoryStats");
            return handle.Connection.GetNodeMemoryStatsAsync(cell, token);
        });

    [UnmanagedCallersOnly(EntryPoint = "managed_virNodeGetCPUStats")]
    private static int GetCpuStats(nint connection, int cpu, NativeNodeStat* stats, int* count, uint flags) =>
        InTwoSteps(connection, "virNodeGetCPUStats", "virHostCPUGetStatsLinux", stats, count, (handle, token) =>
        {
            if (cpu >= Connection.AllOfNode)
                handle.RefuseFlags(flags, "NodeGetCPUStats");
            return handle.Connection.GetNodeCpuStatsAsync(cpu, token);
        });

    [UnmanagedCallersOnly(EntryPoint = "managed_virNodeGetCPUMap")]
    private static int GetCpuMap(nint connection, byte** map, uint* online, uint flags) =>
        Call.OfConnection(connection, "virNodeGetCPUMap", (handle, token) =>
        {
            // libvirt's QEMU driver leaves them to the function that reads the host.
            if (flags != 0 && handle.DriverPrefix == "qemu")
                throw CallException.Argument($"unsupported flags (0x{flags:x}) in function virHostCPUGetMap", "flags", "virHostCPUGetMap", ErrorOrigin.None);
            handle.RefuseFlags(flags, "NodeGetCPUMap");
            return handle.Connection.GetCpuMapAsync(token);
        }, cpus =>
        {
            if (map != null)
            {
                byte[] bits = cpus.ToBitmap();
                *map = (byte*)NativeMemory.AllocZeroed((nuint)Math.Max(bits.Length, 1));
                bits.CopyTo(new Span<byte>(*map, bits.Length));
            }

            if (online != null)
                *online = (uint)cpus.Count;
            return cpus.Length;
        });

    [UnmanagedCallersOnly(EntryPoint = "managed_virNodeGetSecurityModel")]
    private static int GetSecurityModel(nint connection, byte* model)
    {
        const string function = "virNodeGetSecurityModel";
        return Call.OfConnection(connection, function, (handle, token) =>
            model == null ? throw CallException.Null("secmodel", function) : handle.Connection.GetSecurityModelAsync(token), found =>
        {
            NativeText.Fill(new Span<byte>(model, SecurityFieldLength), found.Model);
            NativeText.Fill(new Span<byte>(model + SecurityFieldLength, SecurityFieldLength), found.DomainOfInterpretation);
            return 0;
        });
    }

    /// <summary>
    /// First a program asks how many there are, then for exactly so many. libvirt's test driver alone is content with any
    /// number, and counts for whoever has no room.
    /// </summary>
    private static int InTwoSteps(
        nint connection, string function, string driverFunction, NativeNodeStat* stats, int* count,
        Func<ConnectionHandle, CancellationToken, ValueTask<IReadOnlyList<NodeStat>>> ask)
    {
        bool takesAny = false;
        return Call.OfConnection(connection, function, (handle, token) =>
        {
            if (count == null)
                throw CallException.Null("nparams", function);
            if (*count < 0)
                throw CallException.Argument($"*nparams in {function} must be zero or greater", "*nparams", function);
            takesAny = handle.Connection.DriverType == "TEST";
            return *count > 0 && stats == null && !takesAny ? throw CallException.Null("params", function) : ask(handle, token);
        }, found =>
        {
            if (takesAny ? stats == null : *count == 0)
            {
                *count = found.Count;
                return 0;
            }

            if (takesAny)
                *count = Math.Min(*count, found.Count);
            else if (*count != found.Count)
                throw CallException.Argument($"nparams in {driverFunction} must be {found.Count}", "nparams", driverFunction, ErrorOrigin.None);
            for (int i = 0; i < *count; i++)
            {
                NativeText.Fill(stats[i].Field, found[i].Name);
                stats[i].Value = found[i].Value;
            }

            return 0;
        });
    }
}
