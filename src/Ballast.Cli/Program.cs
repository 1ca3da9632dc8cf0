System.Console.WriteLine("ballast");
return 0;
