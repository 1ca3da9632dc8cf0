using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ballast.Native;

// The structures of ballast-libvirt.h and ballast.h, field by field; a test has the compiler compare the layouts.

[StructLayout(LayoutKind.Sequential)]
internal struct NativeError
{
    public int Code;
    public int Domain;
    public nint Message;
    public int Level;
    public nint Connection;
    public nint DomainHandle;
    public nint Str1;
    public nint Str2;
    public nint Str3;
    public int Int1;
    public int Int2;
    public nint Network;
}

[InlineArray(Length)]
internal struct FieldName
{
    public const int Length = 80;

    private byte _first;
}

[StructLayout(LayoutKind.Explicit, Size = 96)]
internal struct NativeParameter
{
    [FieldOffset(0)]
    public FieldName Field;

    [FieldOffset(80)]
    public int Type;

    [FieldOffset(88)]
    public int Int;

    [FieldOffset(88)]
    public uint UInt;

    [FieldOffset(88)]
    public long LLong;

    [FieldOffset(88)]
    public ulong ULLong;

    [FieldOffset(88)]
    public double Double;

    [FieldOffset(88)]
    public sbyte Boolean;

    [FieldOffset(88)]
    public nint String;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeStatsRecord
{
    public nint Domain;
    public NativeParameter* Parameters;
    public int Count;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeNodeStat
{
    public FieldName Field;
    public ulong Value;
}

[InlineArray(Length)]
internal struct NodeModel
{
    public const int Length = 32;

    private byte _first;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeNodeInfo
{
    public NodeModel Model;
    public nuint Memory;
    public uint Cpus;
    public uint MHz;
    public uint Nodes;
    public uint Sockets;
    public uint Cores;
    public uint Threads;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeDomainInfo
{
    public byte State;
    public nuint MaxMemory;
    public nuint Memory;
    public ushort VirtualCpus;
    public ulong CpuTime;
}

[InlineArray(Length)]
internal struct MissingReasons
{
    public const int Length = 64;

    private sbyte _first;
}

[InlineArray(Length)]
internal struct SampleDetail
{
    public const int Length = 252;

    private byte _first;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeSample
{
    public uint Size;
    public int Reason;
    public int Freshness;
    public uint Inconsistencies;
    public int Period;
    public int UsedFormula;
    public ulong Used;
    public ulong LastUpdate;
    public long Age;
    public MissingReasons Missing;
    public uint DetailLength;
    public SampleDetail Detail;

    // Since here: not in the first version.
    public int PauseCause;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeMemoryRecord
{
    public uint Size;
    public int Count;
    public nint Domain;
    public NativeStat* Stats;
    public NativeSample* Sample;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativePressure
{
    public double Last10;
    public double Last60;
    public double Last300;
    public long Total;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeHostMemory
{
    public uint Size;
    public int Reason;
    public long Total;
    public long Free;
    public long Available;
    public long SwapTotal;
    public long SwapFree;
    public long Merged;
    public NativePressure SomePressure;
    public NativePressure FullPressure;
    public int HasGroup;
    public long GroupMax;
    public long GroupHigh;
    public long GroupCurrent;
    public long GroupUnreclaimable;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeProcessMemory
{
    public uint Size;
    public int Reason;
    public nint Domain;
    public long Swapped;
    public long Locked;
    public long Pinned;
    public long HugePages;
    public long Merged;
    public long RunTime;
    public int ReportsFreePages;
    public int DeflatesOnOom;
    public nint GroupPath;
    public int HasGroup;
    public long GroupMax;
    public long GroupHigh;
    public long GroupCurrent;
    public long GroupUnreclaimable;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeStat
{
    public int Tag;
    public ulong Value;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeVcpuInfo
{
    public uint Number;
    public int State;
    public ulong CpuTime;
    public int Cpu;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeControlInfo
{
    public uint State;
    public uint Details;
    public ulong StateTime;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeJobInfo
{
    public int Type;
    public ulong TimeElapsed;
    public ulong TimeRemaining;
    public ulong DataTotal;
    public ulong DataProcessed;
    public ulong DataRemaining;
    public ulong MemTotal;
    public ulong MemProcessed;
    public ulong MemRemaining;
    public ulong FileTotal;
    public ulong FileProcessed;
    public ulong FileRemaining;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeBlockStats
{
    public long ReadRequests;
    public long ReadBytes;
    public long WriteRequests;
    public long WriteBytes;
    public long Errors;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeBlockInfo
{
    public ulong Capacity;
    public ulong Allocation;
    public ulong Physical;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeInterfaceStats
{
    public long ReceivedBytes;
    public long ReceivedPackets;
    public long ReceivedErrors;
    public long ReceivedDrops;
    public long SentBytes;
    public long SentPackets;
    public long SentErrors;
    public long SentDrops;
}

/// <summary><c>virConnectCredential</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeCredential
{
    public int Type;
    public nint Prompt;
    public nint Challenge;
    public nint DefaultResult;
    public byte* Result;
    public uint ResultLength;
}

/// <summary><c>virConnectAuth</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeAuthentication
{
    public int* Types;
    public uint Count;
    public delegate* unmanaged<NativeCredential*, uint, nint, int> Callback;
    public nint Opaque;
}
