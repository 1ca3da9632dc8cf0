using System.Runtime.InteropServices;

namespace Ballast.Native;

/// <summary>Records of bulk statistics in C's memory: an array of pointers that ends with null.</summary>
internal static unsafe class NativeRecords
{
    public static int Write(ConnectionHandle owner, IReadOnlyList<DomainStatsRecord> found, NativeStatsRecord*** records)
    {
        NativeStatsRecord** array = (NativeStatsRecord**)NativeMemory.AllocZeroed((nuint)found.Count + 1, (nuint)sizeof(NativeStatsRecord*));
        try
        {
            for (int i = 0; i < found.Count; i++)
            {
                IReadOnlyList<TypedParameter> parameters = found[i].Parameters;
                NativeStatsRecord* record = array[i] = (NativeStatsRecord*)NativeMemory.AllocZeroed((nuint)sizeof(NativeStatsRecord));
                record->Domain = new DomainHandle(owner, found[i].Domain).Handle;
                record->Parameters = (NativeParameter*)NativeMemory.AllocZeroed((nuint)Math.Max(parameters.Count, 1), (nuint)sizeof(NativeParameter));
                for (; record->Count < parameters.Count; record->Count++)
                    NativeParameters.Write(parameters[record->Count], record->Parameters + record->Count);
            }
        }
        catch
        {
            Free(array);
            throw;
        }

        *records = array;
        return found.Count;
    }

    public static void Free(NativeStatsRecord** records)
    {
        if (records == null)
            return;
        for (NativeStatsRecord** next = records; *next != null; next++)
        {
            NativeStatsRecord* record = *next;
            NativeParameters.Clear(record->Parameters, record->Count);
            NativeMemory.Free(record->Parameters);
            _ = Handles.Find<DomainHandle>(record->Domain)?.Release();
            NativeMemory.Free(record);
        }

        NativeMemory.Free(records);
    }
}
